"""What is published about England, and what the model says of it.

    targets        the figures that the model is fitted to
    quantities     figures that it is not fitted to, for validation
    official       figures of each authority, by the definitions of the official tables
    crude          figures as they are told, which mix what causes what
"""
