package dev.libretto.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.libretto.device.DeviceRequest.Kind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceRequestTest {
    @ParameterizedTest
    @CsvSource({
        "auto, AUTO, 0, auto",
        "cpu, CPU, 0, cpu",
        "gpu, GPU, 0, gpu:0",
        "gpu:0, GPU, 0, gpu:0",
        "gpu:12, GPU, 12, gpu:12"
    })
    void parses(String text, Kind kind, int index, String shown) {
        assertThat(DeviceRequest.parse(text))
                .isEqualTo(new DeviceRequest(kind, index))
                .hasToString(shown);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "GPU", "gpu:", "gpu:-1", "gpu:1 ", "gpu:１", "gpu:99999", "gpu0", "cpu:0", "auto:1", "cuda"})
    void rejects(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DeviceRequest.parse(text))
                .withMessage("must be auto, cpu, gpu, or a GPU such as gpu:1");
    }

    @Test
    void onlyGpusHaveAnIndex() {
        assertThatIllegalArgumentException().isThrownBy(() -> new DeviceRequest(Kind.CPU, 1));
        assertThatIllegalArgumentException().isThrownBy(() -> new DeviceRequest(Kind.GPU, -1));
    }
}
