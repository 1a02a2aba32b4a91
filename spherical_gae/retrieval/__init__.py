"""Search among embeddings: nearest neighbours and likeliest links, exact and in bounded memory."""

from spherical_gae.retrieval.embedding_files import StoredEmbeddings
from spherical_gae.retrieval.exclusion import known_partners
from spherical_gae.retrieval.faiss_search import faiss_neighbors
from spherical_gae.retrieval.nearest import nearest_neighbors
from spherical_gae.retrieval.top_k import TopK, blockwise_top_k

__all__ = [
    "StoredEmbeddings",
    "TopK",
    "blockwise_top_k",
    "faiss_neighbors",
    "known_partners",
    "nearest_neighbors",
]
