"""A scene that moves, for transfers of films."""

import torch

SIZE = (40, 48)


def texture(seed, height=80, width=100):
    generator = torch.Generator().manual_seed(seed)
    layers = [
        torch.nn.functional.interpolate(
            torch.rand(1, 3, height // cell, width // cell, generator=generator),
            (height, width),
            mode="bicubic",
        )[0]
        for cell in (4, 10, 25)
    ]
    return (sum(layers) / 3).clamp(0, 1)


def scene(count, seed=1, hidden=()):
    """Frames of a pan, with a little noise; in those that are `hidden` a grey board covers the left half."""
    wide = texture(seed)
    made = []
    for at in range(count):
        noise = torch.rand(3, *SIZE, generator=torch.Generator().manual_seed(at)) - 0.5
        frame = (wide[:, 5 + at : 45 + at, 5 + 2 * at : 53 + 2 * at] + 0.02 * noise).clamp(0, 1)
        if at in hidden:
            frame[:, :, :24] = 0.5
        made.append(frame)
    return made
