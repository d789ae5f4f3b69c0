package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainConfigTest {
    @ParameterizedTest(name = "{0} rows on {1} cores: {2} parts")
    @CsvSource({"32, 1, 1", "32, 2, 2", "33, 2, 2", "32, 16, 4", "64, 4, 4", "15, 2, 1", "16, 2, 2", "1, 8, 1"})
    void partsAreOneForEachCoreOfAtLeastEightRows(int rows, int cores, int parts) {
        assertThat(TrainConfig.partsFor(rows, 0, cores)).isEqualTo(parts);
    }

    @ParameterizedTest(name = "{0} rows on {1} GPUs: {2} parts")
    @CsvSource({"32, 1, 1", "32, 2, 2", "3, 2, 2", "1, 2, 1", "32, 8, 8"})
    void partsAreOneForEachGpu(int rows, int gpus, int parts) {
        assertThat(TrainConfig.partsFor(rows, gpus, 16)).isEqualTo(parts);
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
