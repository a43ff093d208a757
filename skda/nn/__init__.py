"""Torch building blocks: networks, gradient reversal, discriminator, layer capture."""

from .backbone import Backbone, load_backbone
from .capture import Layer, LayerCapture, resolve_layers
from .discriminator import DomainDiscriminator
from .domain_stats import DomainStatistics, batch_norm_layers, norms_in_eval
from .layers import (
    classifier_head,
    freeze_layers,
    insert_bottleneck,
    reinitialise,
    replace_head,
    weight_layers,
)
from .networks import MLP, ConvNet, ConvNet1d, ShallowNet
from .reversal import GradientReversal, reverse_gradient

__all__ = [
    "MLP",
    "Backbone",
    "ConvNet",
    "ConvNet1d",
    "DomainDiscriminator",
    "DomainStatistics",
    "GradientReversal",
    "Layer",
    "LayerCapture",
    "ShallowNet",
    "batch_norm_layers",
    "classifier_head",
    "freeze_layers",
    "insert_bottleneck",
    "load_backbone",
    "norms_in_eval",
    "reinitialise",
    "replace_head",
    "resolve_layers",
    "reverse_gradient",
    "weight_layers",
]
