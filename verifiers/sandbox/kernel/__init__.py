"""What the Linux kernel is asked for: namespaces, Landlock, seccomp, control groups."""
