"""The commands, one file a group: parse, load, build, run, exit code; nothing else.  ``edge/cli.py`` puts them together."""
