"""The architectures that latency.py runs in PyTorch: as torchvision has them, or
the same layers in plain PyTorch. Weights are random; times do not depend on them.
"""

# By the beginnings of models' names.
ARCHITECTURES = ("resnet50", "bert_base", "mobilenet_v2")


def find(name):
    """The architecture of a model of this name, or None."""
    return next((a for a in ARCHITECTURES if name.startswith(a)), None)


def make(torch, architecture, tiny=False):
    """(module, function from a batch to the inputs); `tiny`: with few layers and
    small images, to try this out without a GPU."""
    torch.manual_seed(1)
    size = 64 if tiny else 224
    images = lambda batch: (torch.randn(batch, 3, size, size),)
    if architecture == "resnet50":
        return resnet50(torch, tiny), images
    if architecture == "mobilenet_v2":
        return mobilenet_v2(torch, tiny), images
    length = 16 if tiny else 128
    tokens = lambda batch: (torch.randint(0, 30522, (batch, length)),)
    return bert_base(torch, tiny), tokens


def from_torchvision(name):
    """A model of torchvision, or None where that is not installed."""
    try:
        import torchvision
        return getattr(torchvision.models, name)(weights=None)
    except (ImportError, AttributeError, RuntimeError, TypeError):
        return None


def conv(nn, inputs, outputs, kernel, stride=1, groups=1, activation=None):
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
              nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([activation] if activation else []))


def resnet50(torch, tiny):
    nn = torch.nn

    class Bottleneck(nn.Module):
        def __init__(self, inputs, width, stride):
            super().__init__()
            self.branch = nn.Sequential(conv(nn, inputs, width, 1, activation=nn.ReLU()),
                                        conv(nn, width, width, 3, stride, activation=nn.ReLU()),
                                        conv(nn, width, 4 * width, 1))
            change = stride != 1 or inputs != 4 * width
            self.shortcut = conv(nn, inputs, 4 * width, 1, stride) if change else nn.Identity()

        def forward(self, x):
            return torch.relu(self.branch(x) + self.shortcut(x))

    found = None if tiny else from_torchvision("resnet50")
    if found is not None:
        return found
    layers = [conv(nn, 3, 64, 7, 2, activation=nn.ReLU()), nn.MaxPool2d(3, 2, 1)]
    inputs = 64
    for stage, blocks in enumerate((1, 1) if tiny else (3, 4, 6, 3)):
        width = 64 << stage
        for block in range(blocks):
            layers.append(Bottleneck(inputs, width, 2 if stage and not block else 1))
            inputs = 4 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 1000))


def mobilenet_v2(torch, tiny):
    nn = torch.nn

    class Inverted(nn.Module):
        def __init__(self, inputs, outputs, stride, expand):
            super().__init__()
            hidden = inputs * expand
            layers = [] if expand == 1 else [conv(nn, inputs, hidden, 1, activation=nn.ReLU6())]
            layers += [conv(nn, hidden, hidden, 3, stride, hidden, nn.ReLU6()),
                       conv(nn, hidden, outputs, 1)]
            self.branch = nn.Sequential(*layers)
            self.residual = stride == 1 and inputs == outputs

        def forward(self, x):
            return x + self.branch(x) if self.residual else self.branch(x)

    found = None if tiny else from_torchvision("mobilenet_v2")
    if found is not None:
        return found
    settings = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                (6, 160, 3, 2), (6, 320, 1, 1))
    layers, inputs = [conv(nn, 3, 32, 3, 2, activation=nn.ReLU6())], 32
    for expand, outputs, blocks, stride in settings[:2] if tiny else settings:
        for block in range(blocks):
            layers.append(Inverted(inputs, outputs, stride if not block else 1, expand))
            inputs = outputs
    layers += [conv(nn, inputs, 1280, 1, activation=nn.ReLU6()), nn.AdaptiveAvgPool2d(1)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(1280, 1000))


def bert_base(torch, tiny):
    nn, width = torch.nn, 64 if tiny else 768

    class Layer(nn.Module):
        def __init__(self, heads):
            super().__init__()
            self.heads = heads
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

        def forward(self, x):
            batch, length, _ = x.shape
            q, k, v = self.qkv(x).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            mixed = nn.functional.scaled_dot_product_attention(q, k, v)
            x = self.norm1(x + self.out(mixed.transpose(1, 2).reshape(batch, length, width)))
            return self.norm2(x + self.down(nn.functional.gelu(self.up(x))))

    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.places = nn.Embedding(30522, width), nn.Embedding(512, width)
            self.norm = nn.LayerNorm(width)
            self.layers = nn.Sequential(*(Layer(2 if tiny else 12)
                                          for _ in range(1 if tiny else 12)))

        def forward(self, tokens):
            places = torch.arange(tokens.shape[1], device=tokens.device)
            return self.layers(self.norm(self.words(tokens) + self.places(places)))

    return Encoder()
