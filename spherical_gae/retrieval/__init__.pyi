from .embedding_files import StoredEmbeddings
from .exclusion import known_partners
from .faiss_search import faiss_neighbors
from .nearest import nearest_neighbors
from .top_k import TopK, blockwise_top_k

__all__ = [
    "StoredEmbeddings",
    "TopK",
    "blockwise_top_k",
    "faiss_neighbors",
    "known_partners",
    "nearest_neighbors",
]
