"""Speed, each figure beside an opponent that was timed in turns with it: `make bench`."""
