"""`python -m train`: the same as `iot-ids train`."""

from iot_ids.cli.train import main

if __name__ == "__main__":
    main()
