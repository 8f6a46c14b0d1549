"""The demo: the whole marketplace on one machine, with people in it and a story whose every cent the policy knows.

`people` says who is there and `data` brings them in. `lines` are the story, written with what `actors` do through the
API (`client`); `telling` tells it with the travelling clock, and `report` shows what became of it. `programs` and `run`
start everything, and end it again.
"""
