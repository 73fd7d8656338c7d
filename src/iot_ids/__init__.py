"""Experiments in detecting intrusions in IoT networks, with numbers that can be believed."""

import os

# Polars' allocator keeps freed memory by default, and a preparation then holds twice what it uses. Read when Polars is
# imported, which is why it stands here; nothing else listens to it.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:0,muzzy_decay_ms:0")
