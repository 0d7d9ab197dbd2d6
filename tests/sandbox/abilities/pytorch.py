"""What a submission may ask of the base `pytorch`. Run in it, as the `load()` of a submission."""

from __future__ import annotations

import copy
import os
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

scratch = Path("/tmp")


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.dilated = nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8)
        self.up = nn.ConvTranspose2d(8, 7, 2, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.hardswish(self.dilated(functional.relu(self.norm(self.first(x)))))
        y = y + functional.adaptive_avg_pool2d(y, 1)
        return functional.interpolate(self.up(y), size=x.shape[-2:], mode="bilinear", align_corners=False)


def load() -> None:
    assert torch.get_num_threads() <= int(os.environ["OMP_NUM_THREADS"])
    net, x = Net().eval(), torch.rand(1, 3, 64, 64)
    expected = net(x)

    def same(other: nn.Module) -> None:
        torch.testing.assert_close(other(x), expected, rtol=1e-3, atol=1e-4)

    save_file(net.state_dict(), scratch / "net.safetensors")
    net.load_state_dict(load_file(scratch / "net.safetensors"))
    torch.save(net.state_dict(), scratch / "net.pt")
    net.load_state_dict(torch.load(scratch / "net.pt", weights_only=True, mmap=True))
    same(net)

    torch.jit.save(torch.jit.freeze(torch.jit.trace(net, x)), scratch / "traced.pt")
    same(torch.jit.load(scratch / "traced.pt"))
    same(torch.jit.script(net))
    same(torch.fx.symbolic_trace(net))
    torch.export.save(torch.export.export(net, (x,)), scratch / "net.pt2")
    same(torch.export.load(scratch / "net.pt2").module())

    same(copy.deepcopy(net).to(memory_format=torch.channels_last))
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert net(x).shape == expected.shape
    quantized = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 2)), {nn.Linear})
    assert quantized(torch.rand(1, 4)).shape == (1, 2)
    torch.linalg.svd(torch.rand(8, 8))
    torch.fft.fft2(x)
