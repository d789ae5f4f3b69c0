package dev.libretto.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which device is chosen, and what is said where it cannot be: on machines made up of a build, a driver and cards. */
class DevicesTest {
    private static final Build CUDA = new Build("1", "1.1.0", "linux-x86_64-gpu");
    private static final Supplier<LibCuda> NO_DRIVER = () -> {
        throw new UnsatisfiedLinkError("libcuda.so.1");
    };

    private static Devices devices(Build build, Supplier<LibCuda> driver) {
        return new Devices(build, driver, device -> device.isGpu() ? List.of("CPU", "GPU") : List.of("CPU"));
    }

    @Test
    void theCpuNeedsNothing() throws DeviceException {
        Devices devices = new Devices(CUDA, NO_DRIVER, device -> List.of());
        assertThat(devices.choose(DeviceRequest.CPU).device()).isEqualTo(Device.CPU);
        assertThat(devices.choose(DeviceRequest.CPU).toString()).matches("CPU, \\d+ cores?");
    }

    @Test
    void autoTakesTheFirstGpuAndSaysSo() throws DeviceException {
        assertThat(devices(CUDA, () -> FakeCuda.TWO_CARDS).choose(DeviceRequest.AUTO))
                .hasToString("GPU 0, Tesla V100, 16 GiB, compute capability 7.0 (auto: it can be used)");
    }

    @Test
    void aGpuIsTakenByItsNumber() throws DeviceException {
        assertThat(devices(CUDA, () -> FakeCuda.TWO_CARDS)
                        .choose(DeviceRequest.parse("gpu:1"))
                        .device()
                        .card())
                .isEqualTo(FakeCuda.NEW);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "linux-x86_64 | this is the CPU build; \"mvn -Pgpu,cuda-redist -DskipTests package\" makes the CUDA build,"
                        + " docker/Dockerfile.gpu its image",
                "macosx-arm64 | this is the CPU build; TensorFlow Java has no other for macosx-arm64, so leave the GPU out",
            })
    void theCpuBuildHasNoGpu(String classifier, String message) throws DeviceException {
        expect(devices(new Build("1", "1.1.0", classifier), () -> FakeCuda.TWO_CARDS), message);
    }

    @Test
    void noDriver() throws DeviceException {
        expect(
                devices(CUDA, NO_DRIVER),
                "there is no NVIDIA driver here (libcuda.so.1 is not found); install it (on Debian, apt install"
                        + " nvidia-driver), or start the container with --gpus all");
    }

    @ParameterizedTest
    @CsvSource({"100, 12060", "0, 12060"})
    void noCard(int initStatus, int version) throws DeviceException {
        expect(
                devices(CUDA, () -> new FakeCuda(initStatus, version, List.of())),
                "NVIDIA's driver finds no card; \"nvidia-smi\" shows what it has");
    }

    @Test
    void aDriverThatFails() throws DeviceException {
        expect(
                devices(CUDA, () -> new FakeCuda(803, 12_060, List.of(FakeCuda.OLD))),
                "NVIDIA's driver cannot be used (cuInit gives error 803); \"nvidia-smi\" may say why, a restart after an"
                        + " update of the driver often helps");
    }

    @Test
    void aDriverThatIsTooOld() throws DeviceException {
        expect(
                devices(CUDA, () -> new FakeCuda(0, 11_080, List.of(FakeCuda.OLD))),
                "NVIDIA's driver is for CUDA 11.8, but TensorFlow 2.18 takes one for CUDA 12; install driver 525.60.13 or"
                        + " a newer one");
    }

    @Test
    void aGpuThatTensorFlowDoesNotTake() throws DeviceException {
        expect(
                new Devices(CUDA, () -> FakeCuda.TWO_CARDS, device -> List.of("CPU")),
                "TensorFlow does not take GPU 0, Tesla V100, 16 GiB, compute capability 7.0; the command doctor with"
                        + " --device gpu:0 shows what is missing");
    }

    @Test
    void aNumberThatNoGpuHas() {
        assertThatThrownBy(() -> devices(CUDA, () -> FakeCuda.TWO_CARDS).choose(DeviceRequest.parse("gpu:2")))
                .isInstanceOf(DeviceException.class)
                .hasMessage("gpu:2 cannot be used: the driver has 2 cards; take one of gpu:0 to gpu:1");
        assertThatThrownBy(() -> devices(CUDA, () -> new FakeCuda(0, 12_060, List.of(FakeCuda.OLD)))
                        .choose(DeviceRequest.parse("gpu:1")))
                .hasMessage("gpu:1 cannot be used: the driver has one card; take gpu:0");
    }

    /** A GPU that is asked for is an error; {@code auto} goes on with the CPU and says why. */
    private static void expect(Devices devices, String message) throws DeviceException {
        assertThatThrownBy(() -> devices.choose(DeviceRequest.parse("gpu")))
                .isInstanceOf(DeviceException.class)
                .hasMessage("gpu:0 cannot be used: " + message);
        Devices.Choice auto = devices.choose(DeviceRequest.AUTO);
        assertThat(auto.device()).isEqualTo(Device.CPU);
        assertThat(auto.why()).isEqualTo("auto: " + message.replaceFirst(";.*", ""));
    }

    @Test
    void sessionsOfTheCpuHaveTheCpuOnly() {
        assertThat(Devices.types(Device.CPU)).isNotEmpty().containsOnly("CPU");
    }

    @Test
    void sessionsOfAGpuHaveThatOneAndTakeMemoryAsItIsNeeded() {
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
