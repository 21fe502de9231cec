"""Engines: what writes completions. One protocol, three kinds: vLLM, transformers, an OpenAI-compatible server."""
