package dev.libretto.plot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.run.LearningCurve;
import dev.libretto.run.LearningCurve.Epoch;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

/** Reads the plot from its SVG. */
class PerplexityPlotTest {
    private static final Pattern LINE = Pattern.compile(
            "<line style=\"([^\"]*)\" x1=\"([\\d.]+)\" x2=\"([\\d.]+)\"" + " y1=\"([\\d.]+)\" y2=\"([\\d.]+)\"/>");
    private static final Pattern DOT = Pattern.compile("<ellipse cx=\"([\\d.]+)\" cy=\"([\\d.]+)\"");

    /** Of coordinates below 1000, which are computed in double precision: some ten roundings. */
    private static final double ERROR = 1000 * 10 * 0x1p-53;

    /** A segment of a curve in pixels. */
    private record Segment(double x1, double x2, double y1, double y2) {}

    @Test
    void yAxisIsLogarithmic() throws IOException {
        List<Segment> segments = segments(svg(curve(1000, 100, 10, 1)));

        assertThat(segments).hasSize(3);
        double decade = segments.get(0).y2() - segments.get(0).y1();
        assertThat(decade).isPositive();
        for (Segment segment : segments) {
            assertThat(segment.y2() - segment.y1()).isCloseTo(decade, within(2 * ERROR));
            // The last point is drawn 0.001 of an epoch too early.
            double epoch = segments.get(0).x2() - segments.get(0).x1();
            assertThat(segment.x2() - segment.x1()).isCloseTo(epoch, within(0.001 * epoch + 2 * ERROR));
        }
    }

    @Test
    void dotMarksTheBestEpoch() throws IOException {
        String svg = svg(curve(100, 20, 50));
        Segment first = segments(svg).get(0);

        assertThat(DOT.matcher(svg).results()).singleElement().satisfies(dot -> {
            assertThat(Double.parseDouble(dot.group(1))).isCloseTo(first.x2(), within(ERROR));
            assertThat(Double.parseDouble(dot.group(2))).isCloseTo(first.y2(), within(ERROR));
        });
    }

    @Test
    void bestEpochIsByValidation() throws IOException {
        String svg = svg(new LearningCurve(
                "run",
                List.of(
                        new Epoch(1, 90, 95, Double.NaN),
                        new Epoch(2, 50, 70, Double.NaN),
                        new Epoch(3, 20, 80, Double.NaN))));
        List<Segment> training = segments(svg);

        assertThat(DOT.matcher(svg).results()).singleElement().satisfies(dot -> {
            Segment fall = training.get(0);
            double pixels = (fall.y2() - fall.y1()) / Math.log(90 / 50.0);
            assertThat(Double.parseDouble(dot.group(1))).isCloseTo(fall.x2(), within(ERROR));
            // As much higher as 70 is above 50, computed from the height of the fall from 90 to 50.
            double expected = fall.y2() - pixels * Math.log(70 / 50.0);
            assertThat(Double.parseDouble(dot.group(2))).isCloseTo(expected, within(4 * ERROR));
        });
    }

    @Test
    void everyValidRunIsDrawn() throws IOException {
        double[] many =
                IntStream.range(0, 10_000).mapToDouble(i -> 600 - i / 20.0).toArray();
        List<LearningCurve> curves = Stream.of(
                        curve(),
                        curve(3),
                        curve(1, 1),
                        curve(0.2, 1e14),
                        curve(1e300),
                        curve(Double.POSITIVE_INFINITY),
                        curve(many))
                .toList();
        for (LearningCurve curve : curves) {
            byte[] png = new PerplexityPlot("分开", List.of(curve)).encode("png");
            assertThat(ImageIO.read(new ByteArrayInputStream(png)).getWidth()).isEqualTo(900);
        }
        assertThat(segments(svg(curve(many)))).hasSizeBetween(1000, 2001);
        assertThat(DOT.matcher(new String(new PerplexityPlot("all", curves).encode("svg"), StandardCharsets.UTF_8))
                        .results())
                .hasSize(4);
    }

    private static LearningCurve curve(double... perplexities) {
        List<Epoch> epochs = new ArrayList<>();
        for (double perplexity : perplexities) {
            epochs.add(new Epoch(epochs.size() + 1, perplexity, Double.NaN, Double.NaN));
        }
        return new LearningCurve("run", epochs);
    }

    private static String svg(LearningCurve curve) throws IOException {
        return new String(new PerplexityPlot("test", List.of(curve)).encode("svg"), StandardCharsets.UTF_8);
    }

    /** The solid lines of a curve's width, except the one in the legend. */
    private static List<Segment> segments(String svg) {
        return LINE.matcher(svg)
                .results()
                .filter(line -> line.group(1).contains("stroke-width:1.5")
                        && !line.group(1).contains("dash"))
                .map(line -> new Segment(
                        Double.parseDouble(line.group(2)),
                        Double.parseDouble(line.group(3)),
                        Double.parseDouble(line.group(4)),
                        Double.parseDouble(line.group(5))))
                .filter(segment -> segment.y1() != segment.y2())
                .toList();
    }
}
