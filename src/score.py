"""`python -m score`: what `iot-ids score` is, by its first name."""

from iot_ids.cli.score import main

if __name__ == "__main__":
    main()
