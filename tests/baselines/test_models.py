"""The bundled networks: sizes as in BASELINES.md section 3, any input size, folding changes nothing."""

from __future__ import annotations

import pytest
import torch

from baselines.models import NETWORKS, count, fuse

SIZES = {  # all parameters, convolution weights, GMAC at 128 x 256 (to the digits BASELINES.md prints)
    "erfnet_compressed": (478_131, 474_655, 0.524),
    "dws": (236_979, 233_503, 0.278),
    "dws_g2": (212_403, 208_927, 0.253),
    "dws_g4": (200_115, 196_639, 0.2405),
    "dws_g8": (193_971, 190_495, 0.234),
}


def test_every_network_has_a_known_size() -> None:
    assert set(SIZES) == set(NETWORKS)


@pytest.mark.parametrize("name", SIZES)
def test_sizes_are_those_of_the_papers(name: str) -> None:
    size = count(NETWORKS[name]())
    parameters, conv_weights, gmac = SIZES[name]
    assert (size.parameters, size.conv_weights) == (parameters, conv_weights)
    assert size.gmac == pytest.approx(gmac, abs=0.0005)


@pytest.mark.parametrize(("classes", "parameters"), [(8, 478_196), (20, 478_976)])
def test_other_numbers_of_classes(classes: int, parameters: int) -> None:
    assert count(NETWORKS["erfnet_compressed"](classes=classes)).parameters == parameters


@pytest.mark.parametrize("size", [(128, 256), (227, 320), (8, 8), (65, 41), (1, 1)])
def test_logits_have_the_size_of_any_input(size: tuple[int, int]) -> None:
    network = NETWORKS["dws_g8"]().eval()
    with torch.inference_mode():
        assert network(torch.zeros(2, 3, *size)).shape == (2, 7, *size)


@pytest.mark.parametrize("name", ["erfnet_compressed", "dws_g8"])
def test_folded_batch_norms_give_the_same_logits(name: str) -> None:
    torch.manual_seed(0)
    network = NETWORKS[name]()
    images = torch.randn(4, 3, 40, 48)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):  # as training would: no mean 0, variance 1, scale 1
                module.weight.uniform_(0.5, 2)
                module.bias.normal_()
        for _ in range(3):
            network.train()(images)
        before = network.eval()(images)
        after = fuse(network)(images)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules())
    assert torch.allclose(before, after, atol=1e-4 * float(before.abs().max()))


def test_folding_twice_is_an_error() -> None:
    network = fuse(NETWORKS["dws_g8"]())
    with pytest.raises(TypeError, match="fused already"):
        fuse(network)
