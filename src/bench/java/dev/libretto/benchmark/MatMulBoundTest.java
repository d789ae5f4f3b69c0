package dev.libretto.benchmark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class MatMulBoundTest {
    /** Two products of 480 and 96 operations, each fastest another way; a square that is faster still. */
    @Test
    void boundTakesFastestWayOfEachProductAndHighestRateOfAll() {
        Product forward = new Product(4, 3, 5, false, false, 4);
        Product backward = new Product(4, 3, 2, false, true, 2);
        Map<Product, Double> lowest = new HashMap<>();
        lowest.put(forward, 8.0);
        lowest.put(new Product(2, 3, 5, false, false, 4, 2), 6.0); // 80 operations a second
        lowest.put(backward, 4.0);
        lowest.put(new Product(4, 3, 2, false, false, 2), 2.0);
        lowest.put(new Product(2, 3, 2, false, true, 2, 2), 5.0);
        lowest.put(new Product(2, 3, 2, false, false, 2, 2), 3.0);
        Product square = new Product(6, 6, 6, false, true, 1); // 432 operations
        lowest.put(square, 4.5); // 96 operations a second

        MatMulBound bound = MatMulBound.of(List.of(forward, backward, forward), 2, lowest);

        assertThat(bound.secondsAtShape()).isEqualTo(6.0 + 2 + 6);
        assertThat(bound.secondsAtPeak()).isEqualTo((480 + 96 + 480) / 96);
    }

    @Test
    void boundAtPeakIsNeverAboveBoundAtShape() {
        Product product = new Product(4, 3, 5, false, false, 4);

        MatMulBound bound = MatMulBound.of(List.of(product), 1, Map.of(product, 8.0));

        assertThat(bound.secondsAtPeak()).isEqualTo(bound.secondsAtShape()).isEqualTo(8);
    }

    @Test
    void boundAboveFastestEpochIsReported() {
        assertThat(report(1.0, 1.0, 0.5).wrongBounds()).isEmpty();
        assertThat(report(1.0, 1.5, 0.5).wrongBounds())
                .containsExactly("floor_seconds_at_shape is wrong: an epoch took 1.0000 seconds, less than 1.5000;"
                        + " measure again without other load");
        assertThat(report(1.0, 1.5, 1.25).wrongBounds()).hasSize(2);
    }

    /** The fastest epoch decides. */
    private static SpeedReport report(double fastest, double atShape, double atPeak) {
        Map<String, Measured> figures = new LinkedHashMap<>();
        figures.put(SpeedReport.EPOCH, Measured.of(List.of(fastest, 2.0, 3.0)));
        figures.put(SpeedReport.BOUND_AT_SHAPE, Measured.of(List.of(atShape)));
        figures.put(SpeedReport.BOUND_AT_PEAK, Measured.of(List.of(atPeak)));
        return new SpeedReport("small", figures);
    }

    /** Starts a process for each of TensorFlow's settings. */
    @Test
    @Tag("numeric")
    void everyProductIsMeasured() throws IOException {
        List<Product> products =
                List.of(new Product(512, 512, 512, false, true, 1), new Product(256, 512, 512, false, false, 1, 2));

        Map<Product, Double> seconds = ProductSpeed.lowestSeconds(products);

        assertThat(seconds).containsOnlyKeys(products);
        assertThat(seconds.values()).allSatisfy(lowest -> assertThat(lowest).isPositive());
    }
}
