"""`python -m train`: what `iot-ids train` is, by its first name."""

from iot_ids.cli.train import main

if __name__ == "__main__":
    main()
