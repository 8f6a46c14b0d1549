"""The embedded servers from the command line: `python -m instainstru.local.servers status|urls|stop|reset`."""

import argparse
import os
import sys

from instainstru.local.servers import ServersUnavailable, control, ensure, keeper
from instainstru.local.servers.profile import Profile


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m instainstru.local.servers", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in {
        "status": "show what runs, without starting anything",
        "urls": "start the servers if need be and print their addresses, for `eval` or an .env file",
        "stop": "stop the servers, unless they are in use",
        "reset": "stop the servers and delete their data, unless they are in use",
        "keep": "become the keeper (used internally)",
    }.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--profile", default="default", help="default or test")
        if name == "stop":
            command.add_argument("--now", action="store_true", help="even while they are in use")
    options = parser.parse_args(arguments)
    try:
        return _run(options)
    except ServersUnavailable as error:
        print(error, file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    match options.command:
        case "status":
            return _show(control.status(options.profile))
        case "urls":
            urls = ensure(options.profile)
            print(f"export DATABASE_URL={urls.database_url}\nexport REDIS_URL={urls.redis_url}")
            return 0
        case "stop":
            return _report(control.stop(options.profile, while_in_use=options.now), "stopped", options.profile)
        case "reset":
            return _report(control.reset(options.profile), "cleared", options.profile)
        case _:
            linger = float(os.environ.get("INSTAINSTRU_LINGER", keeper.LINGER))
            return keeper.keep(Profile.named(options.profile), linger=linger)


def _show(status: control.Status) -> int:
    print(f"profile  {status.profile.name}: {status.phase}{', in use' if status.is_in_use else ''}")
    print(f"data     {status.profile.folder}")
    if status.keeper:
        print(f"keeper   pid {status.keeper}")
        for server, port in status.ports.items():
            print(f"{server:8} 127.0.0.1:{port}")
    return 0


def _report(done: bool, what: str, profile: str) -> int:
    if done:
        print(f"The embedded servers of profile {profile} are {what}.")
        return 0
    print(
        f"The embedded servers of profile {profile} are in use: end the demo, shell or test run that uses them first.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
