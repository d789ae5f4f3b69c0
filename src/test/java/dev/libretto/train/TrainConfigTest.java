package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainConfigTest {
    @ParameterizedTest(name = "{0} rows on {1} hosts of {2} cores: {3} parts")
    @CsvSource({
        "32, 1, 1, 1",
        "32, 1, 2, 2",
        "33, 1, 2, 2",
        "32, 1, 16, 4",
        "64, 1, 4, 4",
        "15, 1, 2, 1",
        "16, 1, 2, 2",
        "1, 1, 8, 1",
        "64, 2, 4, 8",
        "64, 2, 2, 4",
        "32, 4, 2, 4",
        "16, 3, 2, 3",
        "2, 3, 2, 2"
    })
    void partsAreOneForEachCoreOfAtLeastEightRowsButOneForEachHost(int rows, int hosts, int cores, int parts) {
        assertThat(TrainConfig.partsFor(rows, hosts, 0, cores)).isEqualTo(parts);
    }

    @ParameterizedTest(name = "{0} rows on {1} hosts of {2} GPUs: {3} parts")
    @CsvSource({"32, 1, 1, 1", "32, 1, 2, 2", "3, 1, 2, 2", "1, 1, 2, 1", "32, 1, 8, 8", "32, 2, 2, 4", "3, 2, 2, 3"})
    void partsAreOneForEachGpu(int rows, int hosts, int gpus, int parts) {
        assertThat(TrainConfig.partsFor(rows, hosts, gpus, 16)).isEqualTo(parts);
    }

    @Test
    void thereAreAtMostAsManyPartsAsRows() {
        assertThatThrownBy(() -> TrainConfig.TEXTBOOK.with(c -> c.parts = 33))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("parts must be from 1 to 32 (got 33)");
        assertThatThrownBy(() -> TrainConfig.TEXTBOOK.with(c -> c.parts = 0))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
