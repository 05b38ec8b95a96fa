"""What the model costs, against others and against the machine, and what common random numbers gain: `python -m experiments bench`.

Read `__main__.py` first (the sections), then the file of a section. `timing.py` asks contenders by turns, each in a process of its own;
`contenders.py` says what each of them does there.
"""
