"""Running: the runs that a study lacks, on all cores or on a cluster, each measured and stored as soon as it has ended."""
