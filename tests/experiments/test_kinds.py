import torch
from torch_geometric.data import Data

from spherical_gae import DirectedGAE, score_links, split_links
from spherical_gae.data import clean_graph
from spherical_gae.evaluation import auc_ap
from spherical_gae.experiments.kinds import undirected_split
from spherical_gae.experiments.links import model_inputs, train_once
from spherical_gae.experiments.presets import load_preset


def ring(directed: bool) -> Data:
    nodes = torch.arange(40)
    ahead = [torch.stack([nodes, (nodes + step) % 40]) for step in (1, 2, 3)]
    return clean_graph(Data(edge_index=torch.cat(ahead, dim=1)), directed=directed)


def test_only_directed_splits_become_covers() -> None:
    split = split_links(ring(directed=False))
    assert undirected_split(split) is split
    cover = undirected_split(split_links(ring(directed=True)))
    assert cover.train.double_cover
    assert cover.train.num_nodes == 80
    assert undirected_split(cover) is cover


def test_a_preset_trains_a_directed_split() -> None:
    split, preset = split_links(ring(directed=True)), load_preset("paper").with_changes(latent_dim=4, epochs=3)
    model, scores = train_once(split, preset, "n-vgae", 0, progress=False)
    inputs = model_inputs(undirected_split(split).train)
    positive, turned = (
        score_links(DirectedGAE(model), split.train, split.test[f"{name}_edge_label_index"], inputs=inputs)
        for name in ("pos", "reversed")
    )
    assert (scores["auc_reversed"], scores["ap_reversed"]) == auc_ap(positive, turned)
