package dev.libretto.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.LibrettoException;
import dev.libretto.device.CudaDriver.LibCuda;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Chooses devices on simulated machines: a build, a driver and GPUs. */
class DevicesTest {
    private static final Build CUDA = new Build("1", "1.1.0", "linux-x86_64-gpu");
    private static final Supplier<LibCuda> NO_DRIVER = () -> {
        throw new UnsatisfiedLinkError("libcuda.so.1");
    };

    private static Devices devices(Build build, Supplier<LibCuda> driver) {
        return new Devices(build, driver, device -> device.isGpu() ? List.of("CPU", "GPU") : List.of("CPU"));
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
                        .gpu())
                .isEqualTo(FakeCuda.NEW);
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
    void gpuSessionSeesOneGpuAndGrowsMemory() {
        assertThat(new Device(FakeCuda.NEW).config()).satisfies(config -> {
            assertThat(config.getGpuOptions().getVisibleDeviceList()).isEqualTo("1");
            assertThat(config.getGpuOptions().getAllowGrowth()).isTrue();
            assertThat(config.getDeviceCountMap()).isEmpty();
        });
        assertThat(Device.CPU.config().getDeviceCountMap())
                .containsOnlyKeys("GPU")
                .containsValue(0);
    }
}
