"""The subcommands of `manage.py payouts`, one file each."""
