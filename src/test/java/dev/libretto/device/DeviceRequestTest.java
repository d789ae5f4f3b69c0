package dev.libretto.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.libretto.device.DeviceRequest.Kind;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceRequestTest {
    @ParameterizedTest
    @CsvSource({
        "auto, AUTO, , auto",
        "cpu, CPU, , cpu",
        "gpu, GPU, 0, gpu:0",
        "gpu:0, GPU, 0, gpu:0",
        "gpu:12, GPU, 12, gpu:12"
    })
    void parses(String text, Kind kind, Integer index, String shown) {
        DeviceRequest expected = new DeviceRequest(kind, index == null ? List.of() : List.of(index));
        assertThat(DeviceRequest.parse(text)).isEqualTo(expected).hasToString(shown);
        assertThat(DeviceRequest.parseAll(text)).isEqualTo(expected);
    }

    @Test
    void parsesSeveralGpusInTheirOrder() {
        assertThat(DeviceRequest.parseAll("gpu:3,gpu:0,gpu:1"))
                .isEqualTo(new DeviceRequest(Kind.GPU, List.of(3, 0, 1)))
                .hasToString("gpu:3,gpu:0,gpu:1");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "GPU", "gpu:", "gpu:-1", "gpu:1 ", "gpu:１", "gpu:99999", "gpu0", "cpu:0", "auto:1", "cuda"})
    void rejects(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DeviceRequest.parse(text))
                .withMessage("must be auto, cpu, gpu, or a GPU such as gpu:1");
        rejectsSeveral(text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpu:0,cpu", "gpu,gpu:1", "gpu:0,", ",", "gpu:0, gpu:1", "auto,gpu:1", "gpu:0;gpu:1"})
    void rejectsSeveral(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DeviceRequest.parseAll(text))
                .withMessage("must be auto, cpu, gpu, or GPUs such as gpu:1 or gpu:0,gpu:1");
    }

    @Test
    void rejectsSeveralWhereOneIsExpected() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DeviceRequest.parse("gpu:0,gpu:1"))
                .withMessage("must be auto, cpu, gpu, or a GPU such as gpu:1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpu:0,gpu:0", "gpu:1,gpu:0,gpu:01"})
    void rejectsAGpuNamedTwice(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DeviceRequest.parseAll(text))
                .withMessage("must name each GPU once");
    }

    @Test
    void gpusAndNothingElseHaveIndexes() {
        assertThatIllegalArgumentException().isThrownBy(() -> new DeviceRequest(Kind.CPU, List.of(1)));
        assertThatIllegalArgumentException().isThrownBy(() -> new DeviceRequest(Kind.GPU, List.of()));
        assertThatIllegalArgumentException().isThrownBy(() -> new DeviceRequest(Kind.GPU, List.of(0, -1)));
    }
}
