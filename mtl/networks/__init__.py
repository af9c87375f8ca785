"""Backbones Θ: 4CONV and ResNet-12 as in the authors' TensorFlow code, and scale-and-shift."""

from mtl.networks.backbone import Backbone
from mtl.networks.conv4 import conv4
from mtl.networks.resnet12 import resnet12

BACKBONES = {"conv4": conv4, "resnet12": resnet12}

__all__ = ["BACKBONES", "Backbone"]
