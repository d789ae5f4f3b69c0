package dev.libretto.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.tensorflow.TensorFlow;

class PrecisionTest {
    @AfterEach
    void backToTheCpu() throws DeviceException {
        Sessions.use(Device.CPU, Precision.FLOAT32);
    }

    /** TensorFlow's own switch, which is on where nobody asks. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void switchesTf32OnAndOffInTensorFlow() throws DeviceException {
        assertThat(TensorFlow.version()).startsWith("2.18");
        Device gpu = new Device(FakeCuda.NEW);
        Precision.FLOAT32.applyTo(gpu);
        assertThat(Precision.tf32Enabled()).isFalse();
        Precision.TF32.applyTo(gpu);
        assertThat(Precision.tf32Enabled()).isTrue();
        Precision.FLOAT32.applyTo(gpu);
        assertThat(Precision.tf32Enabled()).isFalse();
    }

    @Test
    void refusesTf32WhereTheDeviceHasNone() {
        assertThatThrownBy(() -> Sessions.use(Device.CPU, Precision.TF32))
                .isInstanceOf(DeviceException.class)
                .hasMessage("the CPU does not have tf32; leave --precision out");
        assertThatThrownBy(() -> Sessions.use(new Device(FakeCuda.OLD), Precision.TF32))
                .hasMessage(
                        "GPU 0, Tesla V100, 16 GiB, compute capability 7.0, does not have tf32, which begins with 8.0;"
                                + " leave --precision out");
    }
}
