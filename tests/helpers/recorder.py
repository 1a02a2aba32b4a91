"""Which operators a computation runs: those that wait for a GPU must not be among them."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class Recorder(TorchDispatchMode):
    """Notes the operators that run, whatever calls them."""

    def __init__(self):
        super().__init__()
        self.operators = set()
        self.masked = False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.operators.add(func.overloadpacket.__name__)
        if func.overloadpacket in (torch.ops.aten.index, torch.ops.aten.index_put, torch.ops.aten.index_put_):
            self.masked |= any(i is not None and i.dtype == torch.bool for i in args[1])
        return func(*args, **(kwargs or {}))
