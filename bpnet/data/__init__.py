"""Files become arrays; what that takes is learnt from training rows alone and kept with the model."""

from bpnet.data.columns import Columns
from bpnet.data.dataset import DataRequest, Dataset, Part, load_dataset
from bpnet.data.reading import Inputs, read_with_targets
from bpnet.data.rows import Matrix, Rows
from bpnet.data.sources import FileSource, InlineSource, PairSource, Source
from bpnet.data.targets import Target

__all__ = [
    "Columns",
    "DataRequest",
    "Dataset",
    "FileSource",
    "InlineSource",
    "Inputs",
    "Matrix",
    "PairSource",
    "Part",
    "Rows",
    "Source",
    "Target",
    "load_dataset",
    "read_with_targets",
]
