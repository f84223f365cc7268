"""The composition root: a config becomes a dataset, a network and a recipe, and these a finished run."""

from bpnet.experiment.preparing import Experiment, prepare
from bpnet.experiment.running import TrainingResult, resume_experiment, run_experiment

__all__ = ["Experiment", "TrainingResult", "prepare", "resume_experiment", "run_experiment"]
