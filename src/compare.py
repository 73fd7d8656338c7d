"""`python -m compare`: the same as `iot-ids compare`, in a checkout."""

from iot_ids.cli.compare import main

if __name__ == "__main__":
    main()
