def run(channel): pass
