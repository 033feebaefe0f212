"""The CUDA half on a device, as torch uses it: operators' checks, gradients, graphs, streams and threads."""

from concurrent.futures import ThreadPoolExecutor

import gpu
import pytest
import torch
import twins
from conftest import assert_close
from operator_cases import CONVOLUTIONS, TYPES, arguments, drawn
from torch.nn import functional

import gramstyle.gram
from gramstyle.kernels import conv_gram, gram, register

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(gpu.missing() is not None, reason=str(gpu.missing())),
]
DEVICE = torch.device("cuda")


@pytest.fixture(autouse=True)
def operators(monkeypatch):
    """The operators; torch's own products and convolutions of float32 are those of float32."""
    register.ready()
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    return torch.ops.gramstyle


def on_device(*those):
    return [one.to(DEVICE) if torch.is_tensor(one) else one for one in those]


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # opcheck's own
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("transposed", [False, True])
def test_torch_accepts_the_operators(transposed, dtype, operators, generator):
    x = drawn(generator, (2, 5, 6, 4), dtype).to(DEVICE)
    x = (x.transpose(1, 2) if transposed else x).detach()
    torch.library.opcheck(operators.gram.default, (x.clone().requires_grad_(), True, False, "ieee"))
    both = gram(x).second
    for others in ((None, both, None, "none"), (x.clone(), both, both[:, 0].contiguous(), "relu6")):
        torch.library.opcheck(operators.gram_backward.default, (x, *others))


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
@pytest.mark.parametrize("name", ["stem", "expansion", "float32"])
@pytest.mark.parametrize("features", [False, True])
def test_torch_accepts_the_convolution(features, name, operators, generator):
    x, weight, bias, *rest = on_device(*arguments(name, generator))
    leaves = [one.requires_grad_() for one in (x, weight, bias)]
    # gradients are torch's own convolution's, and to half precision
    checks = ("test_schema", "test_autograd_registration", "test_faketensor")
    torch.library.opcheck(
        operators.conv_gram.default, (*leaves, *rest, features, True, False, "ieee"), test_utils=checks
    )


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_gradient_is_that_of_plain_torch(layout, dtype, generator):
    x = drawn(generator, (2, 70, 12, 25), dtype).to(DEVICE).contiguous(memory_format=layout)
    outer, sums = (torch.randn(shape, generator=generator).to(DEVICE) for shape in ((2, 70, 70), (2, 70)))
    leaf, exact = x.clone().requires_grad_(), x.double().requires_grad_()
    found = gram(leaf, sums=True)
    ((found.second * outer).sum() + (found.first * sums).sum()).backward()
    flat = exact.flatten(2)
    (((flat @ flat.mT) * outer).sum() + (flat.sum(2) * sums).sum()).backward()
    assert leaf.grad.stride() == leaf.stride()
    # the matrix is rounded to the type of x, and so is the result; sums of 70 products
    assert_close(leaf.grad, exact.grad, tolerance=8 * torch.finfo(dtype).eps)


@pytest.mark.parametrize("name", [one for one in CONVOLUTIONS if one != "float64"])
def test_gradient_of_a_convolution_is_that_of_separate_layers(name, generator):
    call = on_device(*arguments(name, generator))
    *tensors, stride, padding, dilation, groups, activation = call
    outer = torch.randn(tensors[1].shape[0], tensors[1].shape[0], generator=generator).to(DEVICE)
    leaves = [one.clone().requires_grad_() for one in tensors]
    found = conv_gram(*leaves, stride, padding, dilation, groups, activation=activation)
    ((found.second * outer).sum() + found.features.float().sum()).backward()
    wide = [one.double().requires_grad_() for one in tensors]
    maps = functional.conv2d(*wide, stride, padding, dilation, groups)
    maps = twins.ACTIVATIONS[activation](maps)
    flat = maps.flatten(2)
    (((flat @ flat.mT) * outer).sum() + maps.sum()).backward()
    for mine, exact in zip(leaves, wide, strict=True):
        # as a whole: where rounding brings a feature to a bound, its slope is another
        error = (mine.grad.double() - exact.grad).norm() / exact.grad.norm()
        assert error <= 12 * torch.finfo(mine.dtype).eps


def test_second_derivative(generator):
    x = drawn(generator, (1, 3, 2, 2), torch.float64).to(DEVICE).requires_grad_()
    assert torch.autograd.gradcheck(lambda y: gram(y, sums=True), x)
    assert torch.autograd.gradgradcheck(lambda y: gram(y, sums=True), x)


@pytest.mark.filterwarnings("default")  # of what Inductor imports
@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_compiles_as_one_graph(backend, generator):
    x, weight, bias = on_device(*arguments("stem", generator)[:3])

    def loss(y):
        found = conv_gram(y, weight, bias, padding=1, activation="relu")
        return (found.second / 99).square().mean() + gram(found.features).second.diagonal(0, 1, 2).sum()

    plain, leaf = x.clone().requires_grad_(), x.clone().requires_grad_()
    loss(plain).backward()
    compiled = torch.compile(loss, fullgraph=True, backend=backend)
    compiled(leaf).backward()
    assert_close(compiled(x), loss(x), tolerance=1e-5)
    assert_close(leaf.grad, plain.grad, tolerance=2e-2)


def calls(generator):
    """What to run, each on its own inputs."""
    x = [
        drawn(generator, (3, c, 61, 67), t).to(DEVICE) for c, t in zip((40, 130, 270, 20), TYPES, strict=True)
    ]
    symmetric = torch.randn(3, 130, 130, generator=generator).to(DEVICE)
    symmetric = symmetric + symmetric.mT
    stem = on_device(*arguments("stem", generator, (2, 61, 67)))
    expansion = on_device(*arguments("expansion", generator, (2, 61, 67)))
    ops = torch.ops.gramstyle
    return [
        *((lambda y=y: ops.gram(y, True, False, "ieee")) for y in x),
        lambda: ops.gram(x[0], True, False, "tf32"),
        lambda: (ops.gram_backward(x[1], None, symmetric, None, "relu"),),
        lambda: ops.conv_gram(*stem, True, True, False, "ieee"),
        lambda: ops.conv_gram(*expansion, True, True, False, "ieee"),
    ]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_same_bits_each_time(generator):
    for call in calls(generator):
        first = call()
        assert all(same(first, call()) for _ in range(10))


def test_an_image_does_not_depend_on_its_batch(operators, generator):
    for channels, dtype in ((40, torch.float32), (70, torch.bfloat16), (300, torch.float16)):
        x = drawn(generator, (4, channels, 61, 67), dtype).to(DEVICE)
        whole = operators.gram(x, True, False, "ieee")
        parts = [operators.gram(one[None], True, False, "ieee") for one in x]
        assert same(whole, [torch.cat(each) for each in zip(*parts, strict=True)])


def test_nothing_reads_what_nothing_wrote(generator, monkeypatch):
    expected = [call() for call in calls(generator)]
    monkeypatch.setattr(torch.utils.deterministic, "fill_uninitialized_memory", True)
    torch.use_deterministic_algorithms(True, warn_only=True)  # every new tensor is NaN
    try:
        found = [call() for call in calls(torch.Generator().manual_seed(0))]
    finally:
        torch.use_deterministic_algorithms(False)
    assert all(map(same, found, expected))


def test_work_waits_for_the_stream_it_is_given(operators, generator):
    x = drawn(generator, (1, 64, 256, 256), torch.bfloat16).to(DEVICE)
    expected = operators.gram(x, True, False, "ieee")
    late = torch.zeros_like(x)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        torch.cuda._sleep(100_000_000)  # cycles: longer than anything here takes
        late.copy_(x)
        found = operators.gram(late, True, False, "ieee")
    stream.synchronize()
    assert same(found, expected)


def test_threads_and_streams_do_not_meet(generator):
    work = calls(generator)
    expected = [call() for call in work]
    torch.cuda.synchronize()
    streams = [torch.cuda.Stream() for _ in work]

    def on_its_stream(i):
        with torch.cuda.stream(streams[i]):
            found = [work[i]() for _ in range(5)]
        streams[i].synchronize()
        return all(same(one, expected[i]) for one in found)

    with ThreadPoolExecutor(len(work)) as pool:
        assert all(pool.map(on_its_stream, range(len(work))))


def test_graphs_replay_on_new_numbers(operators, generator):
    x = drawn(generator, (2, 96, 40, 40), torch.bfloat16).to(DEVICE)
    call = on_device(*arguments("stem", generator, (2, 40, 40)))
    for _ in range(2):  # what is loaded at a first call is not captured
        operators.gram(x, True, False, "ieee"), operators.conv_gram(*call, True, True, False, "ieee")
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found = (
            *operators.gram(x, True, False, "ieee"),
            *operators.conv_gram(*call, True, True, False, "ieee"),
        )
    for _ in range(2):
        x.copy_(torch.randn(x.shape, generator=generator))
        call[0].copy_(torch.randn(call[0].shape, generator=generator))
        graph.replay()
        again = operators.gram(x, True, False, "ieee"), operators.conv_gram(*call, True, True, False, "ieee")
        assert same(found, (*again[0], *again[1]))


def test_tensors_on_several_devices_are_refused(operators):
    x, matrix = torch.ones(1, 3, 4, 4), torch.ones(1, 3, 3)
    weight, shape = torch.ones(2, 3, 1, 1), ([1, 1], [0, 0], [1, 1], 1, "relu", True, True, False, "ieee")
    for one, other in ((x.to(DEVICE), matrix), (x, matrix.to(DEVICE))):
        with pytest.raises(RuntimeError, match="symmetric must be on the device of x"):
            operators.gram_backward(one, None, other, None, "none")
    for one, other in ((x.to(DEVICE), weight), (x, weight.to(DEVICE))):
        with pytest.raises(RuntimeError, match="weight must be on the device of x"):
            operators.conv_gram(one, other, None, *shape)
    assert operators.gram(x.to(DEVICE), False, False, "ieee")[0].isfinite().all()


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="there is one CUDA device")
def test_kernels_run_where_their_tensors_are(generator):
    torch.cuda.set_device(0)
    x = drawn(generator, (2, 40, 30, 30), torch.bfloat16)
    on_first, on_second = (gram(x.to(f"cuda:{i}"), sums=True) for i in (0, 1))
    assert on_second.second.device == torch.device("cuda:1")
    assert same([one.cpu() for one in on_first], [one.cpu() for one in on_second])
    assert torch.cuda.current_device() == 0


def test_the_library_agrees_with_plain_torch(generator):
    x = drawn(generator, (2, 48, 33, 35), torch.float32).to(DEVICE)
    fused, reference = (gramstyle.gram.gram(x, kernel=kernel) for kernel in ("fused", "reference"))
    assert_close(fused, reference, tolerance=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_triton_says_the_same(dtype, operators, generator):
    triton_twins = pytest.importorskip("triton_twins", reason="Triton is not there")
    x = drawn(generator, (2, 33, 7, 10), dtype).to(DEVICE)
    second, _ = operators.gram(x, False, True, "ieee")
    assert_close(triton_twins.gram(x.flatten(2)), second, tolerance=1e-5)
    if dtype == torch.float32:
        return
    x, weight, bias = (one.to(DEVICE, dtype) for one in arguments("stem", generator)[:3])
    features, second, _ = operators.conv_gram(
        x, weight, bias, [1, 1], [1, 1], [1, 1], 1, "relu", True, False, True, "ieee"
    )
    rows = x[0].permute(1, 2, 0).contiguous()
    twin, of_twin = triton_twins.conv_gram(rows, weight, bias, 1, 1)
    assert_close(twin, features[0].flatten(1).T, tolerance=torch.finfo(dtype).eps)
    assert_close(of_twin, second[0], tolerance=2 * torch.finfo(dtype).eps)
