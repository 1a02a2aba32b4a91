import pytest
from torch_geometric.data import Data

from tests.helpers.small_graph import small_graph


@pytest.fixture
def graph() -> Data:
    return small_graph()
