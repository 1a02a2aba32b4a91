"""Training for link prediction: one call for every kind of run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from spherical_gae.data.double_cover import cover_split
from spherical_gae.data.splits import LinkSplit, checked_split
from spherical_gae.models.directed import DirectedGAE, check_undirected
from spherical_gae.models.encoder_arguments import check_arguments, check_features
from spherical_gae.models.graph import VariationalGAE
from spherical_gae.nn.propagated_encoder import PropagatedEncoder
from spherical_gae.randomness import seeded
from spherical_gae.training.callbacks import Callback
from spherical_gae.training.engine import run_epochs
from spherical_gae.training.links.config import GAEConfig, GAEResult
from spherical_gae.training.links.full_batch import FullBatchRun
from spherical_gae.training.links.neighbor_batch import NeighborBatchRun, check_neighbor_batches
from spherical_gae.training.links.row_batch import RowBatchRun
from spherical_gae.training.links.run import LinkRun
from spherical_gae.training.processes import Processes

_CHECKPOINT_EVERY = 25


def fit_gae(
    model: VariationalGAE | DirectedGAE,
    split: LinkSplit,
    config: GAEConfig | None = None,
    *,
    inputs: Sequence[Any] | None = None,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    progress: bool = True,
    title: str | None = None,
    callbacks: Sequence[Callback] = (),
    compile: bool | str = False,
) -> GAEResult:
    """Trains a graph autoencoder on the training links, and keeps the weights of the best validation epoch.

    Each epoch minimises recon_loss + kl_weight * kl_loss / N by Adam, in one step, or in batches of links (see
    ``GAEConfig.batch_size``), with fresh negatives, uniform among the pairs that may be linked and are not training
    links.  Validation and test links are not seen.

    In batches, a ``PropagatedEncoder`` needs no more of the graph than rows of features that were propagated before;
    any other encoder is given neighbourhoods sampled by PyG, which needs pyg-lib.  If torch.distributed has been
    initialised, as under ``torchrun``, the processes share every batch: all of them call ``fit_gae``, with the same
    arguments.

    Args:
        model: The model, on the device to train on; on return it holds the best epoch's weights, in
            evaluation mode.  For a directed split a ``DirectedGAE``.
        split: From ``split_links`` or ``link_split``; or what PyG's ``RandomLinkSplit`` returns, see
            ``from_random_link_split``.  Negatives are of the kind that the graph is, see ``kind_of_graph``.
        config: Settings; the defaults if None.
        inputs: Arguments of ``model.encode``, on the model's device; default: ``(x, edge_index)`` of the
            training part; if its links have weights, their adjacency in place of ``edge_index``.  Pass
            ``(sparse_features(x), normalized_adjacency(edge_index, N))`` to encoders of this package to normalise
            once.  The last is taken for the graph, which ``mask_share`` replaces.
            Of a ``DirectedGAE`` they are those of ``cover_split(split)``.
            Sampled neighbourhoods are those of the training part, whatever is given here.
        seed: Seed of all randomness in training; the caller's generators are left as they were.
        checkpoint: File of the state, written every 25 epochs (in batches: every epoch) and at the end.  If it
            exists, training resumes from it, with the same result bit for bit as without the interruption.
            Of several processes, the first writes it, and all read it.
        progress: Whether to show a progress bar.
        title: What the bar is labelled with; default: the name of the model's class.
        callbacks: Functions ``callback(epoch, figures)``, called after each epoch with the entries of the history, see
            ``CSVLogger`` and ``TensorBoardLogger``; of several processes, in the first.
        compile: Whether torch.compile makes the training steps of the full batch: True, or the name of one of its
            backends.  The first steps take up to a minute then, later ones less time than without; random numbers are
            other ones.  See the guide on scaling for when it pays.

    Returns:
        Scores and history.

    Raises:
        TypeError: If ``split`` is not a split of one graph into three ``Data``, such as ``HeteroData``; or there are
            NumPy arrays among the inputs.
        ValueError: If the split leaks or lacks something, see ``checked_split``; if the split is directed and the
            model is not, or the other way round; if there are weights, no inputs, and an encoder that is none of this
            package's; if a feature is NaN or infinite; if the checkpoint was made with other settings, on another
            split, with other inputs, or for another kind of model; if several processes are to train on the full
            batch; or if ``compile`` is given for batches of links.
        ImportError: If neighbourhoods have to be sampled and pyg-lib is not installed.
        FloatingPointError: If the loss or the embeddings become NaN or infinite.

    Example:
        >>> from spherical_gae import GCNEncoder, SphericalGAE, load_graph, split_links
        >>> split = split_links(load_graph("digits"))
        >>> model = SphericalGAE(GCNEncoder(split.train.num_features, 8, (4, 1)))
        >>> result = fit_gae(model, split, GAEConfig(epochs=2), progress=False)
        >>> 0.5 < result.test.auc < 1
        True
    """
    undirected, split = _as_undirected(model, checked_split(split))
    if inputs is None:
        check_features(split.train.x)
    else:
        check_arguments(inputs, "inputs")
        check_features(inputs[0], "inputs[0]")
    config = config or GAEConfig()
    device = next(model.parameters()).device
    with seeded(seed, device):
        run = make_run(undirected, split, config, inputs, seed, device)
        if compile:
            run.compile_steps(compile if isinstance(compile, str) else "inductor")
        run_epochs(
            run,
            device=device,
            checkpoint=checkpoint,
            checkpoint_every=checkpoint_interval(run),
            progress=progress,
            title=title or type(model).__name__,
            callbacks=callbacks,
        )
        result = run.finish()
    model.eval()
    return result


def _as_undirected(model: VariationalGAE | DirectedGAE, split: LinkSplit) -> tuple[VariationalGAE, LinkSplit]:
    """The model and the split of undirected links to train on: of directed ones those of the double cover."""
    directed = bool(split.train.get("directed"))
    if not isinstance(model, DirectedGAE):
        check_undirected("split", split.train, model)
        return model, split
    if not directed:
        raise ValueError(
            "split must be directed for a DirectedGAE, got an undirected one: set data.directed = True before the "
            "split, with one column of edge_index for each link, or take the undirected model"
        )
    return model.model, cover_split(split)


def checkpoint_interval(run: LinkRun) -> int:
    """Epochs between two checkpoints: one in batches, which take long."""
    return _CHECKPOINT_EVERY if isinstance(run, FullBatchRun) else 1


def make_run(
    model: VariationalGAE,
    split: LinkSplit,
    config: GAEConfig,
    inputs: Sequence[Any] | None,
    seed: int,
    device: torch.device,
) -> LinkRun:
    """The kind of run that settings, size of the graph and encoder ask for; arguments as for ``fit_gae``."""
    train = split.train
    kind = kind_of_run(model.encoder, config, train.pos_edge_label_index.size(1), train.edge_weight is not None)
    if kind is not FullBatchRun and hasattr(model.decoder, "masked_arguments"):
        raise ValueError(
            f"batch_size: given {config.batch_size}, allowed: 0 with a {type(model.decoder).__name__}, which needs the "
            "full batch"
        )
    return kind(model, split, config, inputs, seed, device)


def kind_of_run(encoder: nn.Module, config: GAEConfig, num_links: int, is_weighted: bool) -> type[LinkRun]:
    """How an encoder is trained.

    Args:
        encoder: The encoder.
        config: Settings.
        num_links: Number of training links.
        is_weighted: Whether they have weights.

    Raises:
        ValueError: If several processes are to train on the full batch, or sampled neighbourhoods with what they lack.
        ImportError: If neighbourhoods have to be sampled and pyg-lib is not installed.

    Example:
        >>> from spherical_gae import GCNEncoder
        >>> kind_of_run(GCNEncoder(3, 8, (4, 1)), GAEConfig(), num_links=1000, is_weighted=False).__name__
        'FullBatchRun'
    """
    if config.batch_size_for(num_links) == 0:
        count = Processes.current().count
        if count > 1:
            raise ValueError(f"batch_size must be at least 1 to train in {count} processes, got the full batch")
        return FullBatchRun
    if config.hard_negatives > 0:
        raise ValueError(
            f"hard_negatives must be 0 in batches of links, got {config.hard_negatives}: these need the full batch, "
            f"batch_size=0"
        )
    if isinstance(encoder, PropagatedEncoder):
        return RowBatchRun
    check_neighbor_batches(encoder, config, is_weighted)
    return NeighborBatchRun
