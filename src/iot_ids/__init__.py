"""Experiments in detecting intrusions in IoT networks, with numbers that can be believed."""

import os

# Polars' allocator keeps freed memory by default, and a preparation then holds twice what it uses. Giving it back after
# 20 ms from two arenas costs no time; at once, a quarter more. Read when Polars is imported, which is why it stands
# here; nothing else listens to it.
os.environ.setdefault("_RJEM_MALLOC_CONF", "narenas:2,dirty_decay_ms:20,muzzy_decay_ms:0")
