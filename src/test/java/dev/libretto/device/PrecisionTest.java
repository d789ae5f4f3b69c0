package dev.libretto.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.LibrettoException;
import dev.libretto.device.Devices.Choice;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;

class PrecisionTest {
    @AfterEach
    void resetDevice() {
        Choice.CPU.use();
    }

    @Test
    void bfloat16NeedsHardwareSupport() throws LibrettoException {
        OneDnn without = new OneDnn(List.of("avx2"), Map.of());
        OneDnn with =
                new OneDnn(List.of("avx2", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_bf16"), Map.of());
        Precision.BFLOAT16.requireOn(new Device(List.of(FakeCuda.NEW)), without);
        Precision.BFLOAT16.requireOn(Device.CPU, with);
        assertThatThrownBy(() -> Precision.BFLOAT16.requireOn(Device.CPU, without))
                .isInstanceOf(LibrettoException.class)
                .hasMessage(
                        "this processor has no bfloat16 instructions (avx512_bf16, amx_bf16, bf16), so bfloat16 would be"
                                + " slower than float32; use float32");
        assertThatThrownBy(() -> Precision.BFLOAT16.requireOn(new Device(List.of(FakeCuda.OLD)), with))
                .hasMessage("GPU 0, Tesla V100, 16 GiB, compute capability 7.0, does not have bfloat16, which needs"
                        + " 8.0; use float32");
    }

    @Test
    void graphsUseFactorTypeOfPrecision() {
        assertThat(Sessions.factorType()).isEqualTo(TFloat32.class);
        assertThat(Sessions.canFuseProducts()).isTrue();
        assertThat(Precision.TF32.factorType()).isEqualTo(TFloat32.class);
        new Choice(Device.CPU, Precision.BFLOAT16, "").use();
        assertThat(Sessions.factorType()).isEqualTo(TBfloat16.class);
        assertThat(Sessions.canFuseProducts()).isFalse();
    }

    @Test
    void rejectsTf32OnDevicesWithoutIt() {
        assertThatThrownBy(() -> new Devices().choose(DeviceRequest.CPU, Precision.TF32))
                .isInstanceOf(LibrettoException.class)
                .hasMessage("the CPU does not have tf32; use float32");
        assertThatThrownBy(() -> Precision.TF32.requireOn(new Device(List.of(FakeCuda.OLD))))
                .hasMessage("GPU 0, Tesla V100, 16 GiB, compute capability 7.0, does not have tf32, which needs 8.0;"
                        + " use float32");
    }
}
