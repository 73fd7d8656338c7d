"""`python -m score`: the same as `iot-ids score`, in a checkout."""

from iot_ids.cli.score import main

if __name__ == "__main__":
    main()
