"""The bundled networks: sizes as the papers count them, any input size, folding changes nothing."""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest
import torch

from baselines.models import NETWORKS, count, fuse
from baselines.models.__main__ import main
from baselines.shipped import names


class Known(NamedTuple):
    """For 7 classes and 128 x 256, to the digits that are known."""

    parameters: int
    conv_weights: int
    gmac: float


KNOWN = {
    "erfnet": Known(2_063_411, 2_050_591, 1.6565),
    "erfnet_v2": Known(1_123_891, 1_116_703, 0.9518),
    "erfnet_compressed": Known(478_131, 474_655, 0.524),
    "dws": Known(236_979, 233_503, 0.278),
    "dws_g2": Known(212_403, 208_927, 0.253),
    "dws_g4": Known(200_115, 196_639, 0.2405),
    "dws_g8": Known(193_971, 190_495, 0.234),
    "drn_d_22": Known(15_886_135, 15_874_352, 8.515),
    "unet": Known(7_786_119, 7_780_480, 21.211),
    "erfnet_plain": Known(2_049_671, 2_037_616, 1.5549),
    "dws_full": Known(558_343, 546_288, 0.4856),
    "dws_g2_full": Known(406_791, 394_736, 0.3766),
    "dws_g4_full": Known(331_015, 318_960, 0.3220),
    "dws_g8_full": Known(293_127, 281_072, 0.2948),
}

OTHERS = [  # network, classes, all parameters
    ("erfnet", 8, 2_063_476), ("erfnet", 20, 2_064_256),
    ("erfnet_v2", 8, 1_123_956),
    ("erfnet_compressed", 8, 478_196), ("erfnet_compressed", 20, 478_976),
    ("drn_d_22", 8, 15_886_904), ("unet", 8, 7_786_184),
    ("erfnet_plain", 20, 2_050_516), ("dws_full", 20, 559_188), ("dws_g2_full", 20, 407_636),
    ("dws_g4_full", 20, 331_860), ("dws_g8_full", 20, 293_972),
]  # fmt: skip

TABLE_4_2 = {  # convolution weights and GMAC at 512 x 1024, 20 classes
    "erfnet_plain": (2_038_448, 24.99), "dws_full": (547_120, 7.88), "dws_g2_full": (395_568, 6.13),
    "dws_g4_full": (319_792, 5.26), "dws_g8_full": (281_904, 4.83),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
class TestEveryNetwork:
    def test_its_size_is_the_papers(self, name: str) -> None:
        size, known = count(NETWORKS[name]()), KNOWN[name]
        assert (size.parameters, size.conv_weights) == (known.parameters, known.conv_weights)
        assert size.gmac == pytest.approx(known.gmac, abs=0.0005)

    @pytest.mark.parametrize("size", [(32, 64), (57, 80), (8, 8), (9, 41), (1, 1)])
    def test_logits_have_the_size_of_any_input(self, name: str, size: tuple[int, int]) -> None:
        network = NETWORKS[name]().eval()
        with torch.inference_mode():
            logits, features = network.both(torch.zeros(2, 3, *size))
        assert logits.shape == (2, 7, *size)
        assert features.shape == (2, network.features, -(-size[0] // 8), -(-size[1] // 8))

    def test_folded_batch_norms_give_the_same_logits(self, name: str) -> None:
        torch.manual_seed(0)
        network = NETWORKS[name](classes=3)
        images = torch.randn(2, 3, 24, 32)
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

    def test_folding_twice_is_an_error(self, name: str) -> None:
        network = fuse(NETWORKS[name]())
        with pytest.raises(TypeError, match="fused already"):
            fuse(network)

    def test_it_learns_with_every_weight_that_may(self, name: str) -> None:
        network = NETWORKS[name](dropout=0.1).train()
        network(torch.randn(2, 3, 16, 16)).square().mean().backward()
        for key, parameter in network.named_parameters():
            assert (parameter.grad is not None) == parameter.requires_grad, key

    @pytest.mark.parametrize(
        ("images", "hint"),
        [
            (torch.zeros(227, 320, 3), r"permute\(2, 0, 1\)\[None\]"),
            (torch.zeros(1, 1, 16, 16), r"has shape \[1, 1, 16, 16\]"),
            (torch.zeros(1, 3, 0, 16), "has shape"),
            (torch.zeros(1, 3, 16, 16, dtype=torch.uint8), "normalise the pixels first"),
        ],
    )
    def test_what_is_no_batch_of_images_is_answered_with_the_remedy(
        self, name: str, images: torch.Tensor, hint: str
    ) -> None:
        with pytest.raises(ValueError, match=hint):
            NETWORKS[name]()(images)


def test_every_network_has_a_known_size() -> None:
    assert set(KNOWN) == set(NETWORKS)


@pytest.mark.parametrize(("name", "classes", "parameters"), OTHERS)
def test_other_numbers_of_classes(name: str, classes: int, parameters: int) -> None:
    assert count(NETWORKS[name](classes=classes)).parameters == parameters


@pytest.mark.parametrize("name", TABLE_4_2)
def test_the_full_size_family_is_counted_as_in_table_4_2(name: str) -> None:
    weights, gmac = TABLE_4_2[name]
    size = count(NETWORKS[name](classes=20), 512, 1024)
    assert size.conv_weights == weights
    assert size.gmac == pytest.approx(gmac, abs=0.005)


@pytest.mark.parametrize(("name", "size", "gmac"), [
    ("erfnet", (160, 320), 2.588), ("erfnet", (224, 320), 3.6235), ("drn_d_22", (224, 320), 18.63),
])  # fmt: skip
def test_multiply_adds_at_other_sizes(name: str, size: tuple[int, int], gmac: float) -> None:
    assert count(NETWORKS[name](), *size).gmac == pytest.approx(gmac, abs=0.005)


def test_transposed_convolutions_may_be_counted_at_their_output() -> None:
    network = NETWORKS["erfnet"]()
    more = count(network, deconv_at="output").gmac - count(network).gmac
    up = 3 * (9 * 128 * 64 * 32 * 16 + 9 * 64 * 16 * 64 * 32 + 4 * 16 * 7 * 128 * 64)  # 4 pixels out of 1, less that 1
    assert more == pytest.approx(up / 1e9)


def test_the_fixed_upsampling_of_drn_keeps_a_constant() -> None:
    network = NETWORKS["drn_d_22"]()
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == 15_884_343
    with torch.no_grad():
        up = network.get_submodule("up")(torch.ones(1, 7, 6, 6))
    assert torch.allclose(up[..., 8:-8, 8:-8], torch.ones(1))


def test_the_command_lists_all_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json"]) == 0
    found = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(found) == set(NETWORKS)
    for name, row in found.items():
        assert row["params"] == KNOWN[name].parameters
        assert (row["weights"] is not None) == (row["miou"] is not None) == (name in names())
    assert found["erfnet_compressed"]["miou"] > 0.5


def test_the_command_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "7,786,119" in capsys.readouterr().out
