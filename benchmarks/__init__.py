"""Speed, each figure beside a baseline that was timed in alternation with it: `make bench`."""
