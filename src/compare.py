"""`python -m compare`: what `iot-ids compare` is, by its first name."""

from iot_ids.cli.compare import main

if __name__ == "__main__":
    main()
