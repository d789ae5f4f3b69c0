package dev.libretto.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.LibrettoException;
import dev.libretto.device.CudaDriver.LibCuda;
import dev.libretto.device.Device.Gpu;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.DeviceSpec;
import org.tensorflow.proto.ConfigProto;

/** Chooses devices on simulated machines: a build, a driver and GPUs. */
class DevicesTest {
    private static final Build CUDA = new Build("1", "1.1.0", "linux-x86_64-gpu");
    private static final Supplier<LibCuda> NO_DRIVER = () -> {
        throw new UnsatisfiedLinkError("libcuda.so.1");
    };

    private static Devices devices(Build build, Supplier<LibCuda> driver) {
        return new Devices(build, driver, DevicesTest::types);
    }

    private static List<String> types(Device device) {
        List<String> types = new ArrayList<>(List.of("CPU"));
        device.gpus().forEach(gpu -> types.add("GPU"));
        return types;
    }

    @Test
    void cpuNeedsNoDriver() throws LibrettoException {
        Devices devices = new Devices(CUDA, NO_DRIVER, device -> List.of());
        assertThat(devices.choose(DeviceRequest.CPU, Precision.FLOAT32).device())
                .isEqualTo(Device.CPU);
        assertThat(devices.choose(DeviceRequest.CPU, Precision.FLOAT32).toString())
                .matches("CPU, \\d+ cores?");
    }

    @Test
    void autoChoosesFirstGpu() throws LibrettoException {
        assertThat(devices(CUDA, () -> FakeCuda.TWO_GPUS).choose(DeviceRequest.AUTO, Precision.FLOAT32))
                .hasToString("GPU 0, Tesla V100, 16 GiB, compute capability 7.0 (auto: it can be used)");
    }

    @Test
    void gpuIsChosenByIndex() throws LibrettoException {
        assertThat(devices(CUDA, () -> FakeCuda.TWO_GPUS)
                        .choose(DeviceRequest.parse("gpu:1"), Precision.FLOAT32)
                        .device()
                        .gpus())
                .containsExactly(FakeCuda.NEW);
    }

    @Test
    void severalGpusKeepTheirOrder() throws LibrettoException {
        Devices.Choice choice =
                devices(CUDA, () -> FakeCuda.TWO_GPUS).choose(DeviceRequest.parseAll("gpu:1,gpu:0"), Precision.FLOAT32);
        assertThat(choice.device().gpus()).containsExactly(FakeCuda.NEW, FakeCuda.OLD);
        assertThat(choice)
                .hasToString("GPU 1, NVIDIA H100, 80 GiB, compute capability 9.0; GPU 0, Tesla V100, 16 GiB, compute"
                        + " capability 7.0");
    }

    @Test
    void eachOfSeveralGpusMustBeThere() {
        assertThatThrownBy(() -> devices(CUDA, () -> FakeCuda.TWO_GPUS)
                        .choose(DeviceRequest.parseAll("gpu:1,gpu:7"), Precision.FLOAT32))
                .isInstanceOf(LibrettoException.class)
                .hasMessage("gpu:1,gpu:7 cannot be used: the driver finds 2 GPUs; use gpu:0 to gpu:1");
        Devices seesOne = new Devices(CUDA, () -> FakeCuda.TWO_GPUS, device -> List.of("CPU", "GPU"));
        assertThatThrownBy(() -> seesOne.choose(DeviceRequest.parseAll("gpu:0,gpu:1"), Precision.FLOAT32))
                .isInstanceOf(LibrettoException.class)
                .hasMessage(
                        "gpu:0,gpu:1 cannot be used: TensorFlow cannot use all of GPU 0, Tesla V100, 16 GiB, compute"
                                + " capability 7.0; GPU 1, NVIDIA H100, 80 GiB, compute capability 9.0; the command doctor shows"
                                + " what is missing for gpu:0,gpu:1");
    }

    @Test
    void eachOfSeveralGpusMustHaveThePrecision() {
        assertThatThrownBy(() -> devices(CUDA, () -> FakeCuda.TWO_GPUS)
                        .choose(DeviceRequest.parseAll("gpu:1,gpu:0"), Precision.TF32))
                .isInstanceOf(LibrettoException.class)
                .hasMessage(
                        "GPU 0, Tesla V100, 16 GiB, compute capability 7.0, does not have tf32, which needs 8.0; use"
                                + " float32");
    }

    @Test
    void gpusAreCounted() {
        Devices devices = devices(CUDA, () -> FakeCuda.TWO_GPUS);
        assertThat(devices.countGpus(DeviceRequest.CPU)).isZero();
        assertThat(devices.countGpus(DeviceRequest.AUTO)).isEqualTo(1);
        assertThat(devices.countGpus(DeviceRequest.parseAll("gpu:0,gpu:1"))).isEqualTo(2);
        assertThat(devices(CUDA, NO_DRIVER).countGpus(DeviceRequest.AUTO)).isZero();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "linux-x86_64 | this is the CPU build; build with \"mvn -Pgpu,cuda-redist -DskipTests package\" or"
                        + " docker/Dockerfile.gpu",
                "macosx-arm64 | this is the CPU build; TensorFlow Java has no CUDA build for macosx-arm64; use the CPU",
            })
    void cpuBuildHasNoGpu(String classifier, String message) throws LibrettoException {
        expect(devices(new Build("1", "1.1.0", classifier), () -> FakeCuda.TWO_GPUS), message);
    }

    @Test
    void missingDriverIsReported() throws LibrettoException {
        expect(
                devices(CUDA, NO_DRIVER),
                "there is no NVIDIA driver (libcuda.so.1 not found); install it (on Debian, apt install"
                        + " nvidia-driver), or start the container with --gpus all");
    }

    @ParameterizedTest
    @CsvSource({"100, 12060", "0, 12060"})
    void driverWithoutGpuIsReported(int initStatus, int version) throws LibrettoException {
        expect(
                devices(CUDA, () -> new FakeCuda(initStatus, version, List.of())),
                "the NVIDIA driver finds no GPU; check with nvidia-smi");
    }

    @Test
    void driverErrorIsReported() throws LibrettoException {
        expect(
                devices(CUDA, () -> new FakeCuda(803, 12_060, List.of(FakeCuda.OLD))),
                "the NVIDIA driver cannot be used (cuInit returned error 803); check with nvidia-smi; after a driver"
                        + " update, restart the machine");
    }

    @Test
    void oldDriverIsRejected() throws LibrettoException {
        expect(
                devices(CUDA, () -> new FakeCuda(0, 11_080, List.of(FakeCuda.OLD))),
                "the NVIDIA driver supports CUDA 11.8, but TensorFlow 2.18 needs CUDA 12; install driver 525.60.13 or"
                        + " newer");
    }

    @Test
    void gpuUnusableByTensorFlowIsReported() throws LibrettoException {
        expect(
                new Devices(CUDA, () -> FakeCuda.TWO_GPUS, device -> List.of("CPU")),
                "TensorFlow cannot use GPU 0, Tesla V100, 16 GiB, compute capability 7.0; the command doctor shows"
                        + " what is missing for gpu:0");
    }

    @Test
    void gpuIndexOutOfRangeIsReported() {
        assertThatThrownBy(() ->
                        devices(CUDA, () -> FakeCuda.TWO_GPUS).choose(DeviceRequest.parse("gpu:2"), Precision.FLOAT32))
                .isInstanceOf(LibrettoException.class)
                .hasMessage("gpu:2 cannot be used: the driver finds 2 GPUs; use gpu:0 to gpu:1");
        assertThatThrownBy(() -> devices(CUDA, () -> new FakeCuda(0, 12_060, List.of(FakeCuda.OLD)))
                        .choose(DeviceRequest.parse("gpu:1"), Precision.FLOAT32))
                .hasMessage("gpu:1 cannot be used: the driver finds one GPU; use gpu:0");
    }

    /** Requesting the GPU fails; {@code auto} falls back to the CPU and says why. */
    private static void expect(Devices devices, String message) throws LibrettoException {
        assertThatThrownBy(() -> devices.choose(DeviceRequest.parse("gpu"), Precision.FLOAT32))
                .isInstanceOf(LibrettoException.class)
                .hasMessage("gpu:0 cannot be used: " + message);
        Devices.Choice auto = devices.choose(DeviceRequest.AUTO, Precision.FLOAT32);
        assertThat(auto.device()).isEqualTo(Device.CPU);
        assertThat(auto.why()).isEqualTo("auto: " + message.replaceFirst(";.*", ""));
    }

    @Test
    void cpuSessionHasCpuOnly() {
        assertThat(Devices.types(Device.CPU)).isNotEmpty().containsOnly("CPU");
    }

    @Test
    void gpuSessionSeesItsGpusAndGrowsMemory() {
        Device one = new Device(List.of(FakeCuda.NEW));
        Device two = new Device(List.of(FakeCuda.NEW, FakeCuda.OLD));
        for (Device device : List.of(one, two)) {
            assertThat(device.config()).satisfies(config -> {
                assertThat(config.getGpuOptions().getVisibleDeviceList()).isEqualTo(device == one ? "1" : "1,0");
                assertThat(config.getGpuOptions().getAllowGrowth()).isTrue();
                assertThat(config.getAllowSoftPlacement()).isEqualTo(device == two);
                assertThat(config.getDeviceCountMap()).isEmpty();
            });
        }
        assertThat(one.places()).extracting(DeviceSpec::toString).containsExactly("");
        assertThat(two.places()).extracting(DeviceSpec::toString).containsExactly("/device:GPU:0", "/device:GPU:1");
        assertThat(Device.CPU.config().getDeviceCountMap())
                .containsOnlyKeys("GPU")
                .containsValue(0);
    }

    /** The graph optimizer could add up parts in an order that depends on their places. */
    @Test
    void onlyAGpuSessionOfOnePartHasTheGraphOptimizer() {
        for (List<Gpu> gpus : List.of(List.<Gpu>of(), List.of(FakeCuda.NEW), List.of(FakeCuda.NEW, FakeCuda.OLD))) {
            Device device = new Device(gpus);
            for (int parts : List.of(1, 2)) {
                ConfigProto config = Sessions.configForParts(device, parts);
                assertThat(config.getGraphOptions().getRewriteOptions().getDisableMetaOptimizer())
                        .isEqualTo(gpus.isEmpty() || parts > 1);
                assertThat(config.getGpuOptions()).isEqualTo(device.config().getGpuOptions());
            }
        }
    }
}
