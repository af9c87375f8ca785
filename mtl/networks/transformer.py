"""A small vision transformer whose tokens come from convolutions (CCT; Hassani et al. 2021), without any batch norm.

Between blocks, the tokens of an image are a map again: (C, H, W), one token for each position. So what looks at maps
finds one, such as a Relation Network: that of the last block, after its layer norm.
"""

import torch
from torch import nn
from torch.nn import functional as F

from mtl.networks.backbone import Backbone, MeanPool
from mtl.runtime.errors import UserError

LABEL = "Transformer"

BLOCKS = 4
HEADS = 4
EXPANSION = 2  # hidden units of the multilayer perceptron, for each channel
# The layers of an encoder are the last of `convs`.
QUERY_KEY_VALUE, OUTPUT, WIDEN, NARROW = -4, -3, -2, -1


class TokenLinear(nn.Module):
    """A linear layer whose weight has the shape of a convolution's: for each output one kernel, over all inputs.

    Scale-and-shift has one scalar for each kernel (equation 6), so here one for each output. One for each pair of an
    output and an input would be as many as there are weights, which is fine-tuning.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.out_channels = outputs
        self.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(outputs, inputs))[:, None, None])
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., inputs) to (..., outputs)."""
        return F.linear(x, self.weight.flatten(1), self.bias)


class Offset(nn.Module):
    """What stands in the place of a batch norm: nothing, but for the offset β of a shift `after` it."""

    mean: torch.Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels), persistent=False)
        self.beta: nn.Parameter | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., channels) to the same shape."""
        return x if self.beta is None else x + self.beta


class LayerNorm(nn.Module):
    """Torch's layer norm, without its scale and offset: with them its second derivatives are wrong under `vmap`."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., channels) to the same shape."""
        return F.layer_norm(x, x.shape[-1:]) * self.gamma + self.beta


class EncoderBlock(nn.Module):
    """Self-attention, then a multilayer perceptron, each after a layer norm and with a residual connection."""

    def __init__(self, width: int, tokeniser: tuple[nn.Conv2d, ...] = ()) -> None:
        """For tokens of `width` values; the convolutions of a tokeniser belong to the first block."""
        super().__init__()
        layers = [(width, 3 * width), (width, width), (width, EXPANSION * width), (EXPANSION * width, width)]
        self.convs = nn.ModuleList([*tokeniser, *(TokenLinear(*sizes) for sizes in layers)])
        self.norms = nn.ModuleList(Offset(layer.out_channels) for layer in self.convs)  # type: ignore[arg-type]
        self.layer_norms = nn.ModuleList(LayerNorm(width) for _ in range(2))

    def forward(self, x: torch.Tensor, sets: list[int] | None = None) -> torch.Tensor:
        """(B, C, H, W) to the same shape. Images never see each other, whatever their `sets`."""
        tokens = x.flatten(2).transpose(1, 2)
        tokens = tokens + self._attention(self.layer_norms[0](tokens))
        hidden = F.gelu(self._layer(WIDEN, self.layer_norms[1](tokens)))
        tokens = tokens + self._layer(NARROW, hidden)
        maps: torch.Tensor = tokens.transpose(1, 2).unflatten(2, x.shape[2:])
        return maps

    def _attention(self, tokens: torch.Tensor) -> torch.Tensor:
        """(B, N, C) to the same shape."""
        heads = self._layer(QUERY_KEY_VALUE, tokens).unflatten(2, (3, HEADS, -1))
        query, key, value = heads.permute(2, 0, 3, 1, 4).unbind()
        # Written out, because torch's fused attention has no second derivative, which MAML takes.
        attention = (query @ key.transpose(2, 3) * query.shape[3] ** -0.5).softmax(dim=3)
        return self._layer(OUTPUT, (attention @ value).transpose(1, 2).flatten(2))

    def _layer(self, index: int, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.norms[index](self.convs[index](x))
        return y


class NormedConv(nn.Conv2d):
    """A 3 x 3 convolution with instance norm: each channel of each image is normalised before its bias is added.

    That takes away the colour of an image as a whole. A bias before it, and so Φ2, would be taken away too.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, inputs, H, W) to (B, H, W, outputs)."""
        # Wide, because group norm takes no bias of another precision than its input.
        y = F.conv2d(x, self.weight, padding=self.padding).to(self.weight.dtype)
        return F.group_norm(y, num_groups=self.out_channels, bias=self.bias).permute(0, 2, 3, 1)


class FirstBlock(EncoderBlock):
    """Makes tokens of images by two convolutions with ReLU and 2 x 2 max-pooling, and tells them where they are."""

    def __init__(self, width: int) -> None:
        super().__init__(width, (NormedConv(3, width // 2), NormedConv(width // 2, width)))

    def forward(self, x: torch.Tensor, sets: list[int] | None = None) -> torch.Tensor:
        """(B, 3, H, W) to (B, C, H // 4, W // 4)."""
        for index in range(2):
            x = F.max_pool2d(F.relu(self._layer(index, x)).permute(0, 3, 1, 2), 2)
        return super().forward(x + positions(x), sets)


class LastBlock(EncoderBlock):
    """Ends with a layer norm, because an encoder with layer norms before its layers has none after them."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.layer_norms.append(LayerNorm(width))

    def forward(self, x: torch.Tensor, sets: list[int] | None = None) -> torch.Tensor:
        """(B, C, H, W) to the same shape."""
        normed: torch.Tensor = self.layer_norms[2](super().forward(x, sets).permute(0, 2, 3, 1))
        return normed.permute(0, 3, 1, 2)


def positions(x: torch.Tensor) -> torch.Tensor:
    """Sines and cosines of the row and column of each position of a map (B, C, H, W), as (C, H, W).

    They are the fixed ones of Vaswani et al. 2017, half of the channels for rows, half for columns. As they are not
    learned, they fit any image size.
    """
    channels, height, width = x.shape[1:]
    quarter = channels // 4
    frequencies = 10_000.0 ** (-torch.arange(quarter, device=x.device) / quarter)
    rows, columns = (torch.outer(frequencies, torch.arange(n, device=x.device)) for n in (height, width))
    row, column = torch.cat([rows.sin(), rows.cos()]), torch.cat([columns.sin(), columns.cos()])
    sizes = (2 * quarter, height, width)
    return torch.cat([row[:, :, None].expand(sizes), column[:, None].expand(sizes)]).to(x.dtype)


def build(width: int, dropout: float = 0.0) -> Backbone:
    """Builds a transformer of four encoder blocks; features are the mean of the last tokens.

    Args:
        width: values of a token and features of an image, a multiple of 4; the tokeniser begins with half of it.
        dropout: probability of dropping a value after each block.

    Raises:
        UserError: the width is no multiple of 4.
    """
    if width % 4:
        raise UserError(f"width: {width} is not a multiple of 4, as the transformer needs; write {width + -width % 4}")
    between = [EncoderBlock(width) for _ in range(BLOCKS - 2)]
    return Backbone([FirstBlock(width), *between, LastBlock(width)], MeanPool(), dropout)
