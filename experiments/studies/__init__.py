"""What a study is, and the study files (`*.toml`).

    designs        which replicates a study has: draws and seeds
    study          scenarios compared with one another
    study_file     what a study file says, checked
    sampling       its designs: grid, Latin hypercube, Sobol, Morris, one at a time, list
    sweeps         scenarios under a design, every rival structure, several seeds
    folder         the folder of a comparison; `sweep_folder` that of a sweep
    frame          the runs of either as a table
"""
