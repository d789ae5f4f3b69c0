package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainReportTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            32 | 1 | 1, all rows together
            32 | 2 | 2 of 16 rows, computed in parallel
            33 | 2 | 2 of up to 17 rows, computed in parallel
            32 | 3 | 3 of up to 11 rows, computed in parallel
            4  | 4 | 4 of 1 row, computed in parallel
            """)
    void partsAreDescribed(int rows, int parts, String expected) {
        assertThat(TrainReport.describeParts(rows, parts)).isEqualTo(expected);
    }
}
