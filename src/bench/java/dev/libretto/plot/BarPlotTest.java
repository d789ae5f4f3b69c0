package dev.libretto.plot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

class BarPlotTest {
    @Test
    void barHeightsAreProportionalToFigures() throws Exception {
        BarPlot plot = new BarPlot("比较", "seconds", List.of("one", "two"), Map.of("time", List.of(1.0, 2.5)));
        BufferedImage picture = ImageIO.read(new ByteArrayInputStream(plot.encode("png")));

        List<Integer> heights = barHeights(picture);

        assertThat(heights).hasSize(2);
        assertThat(heights.get(1) / (double) heights.get(0)).isCloseTo(2.5, within(0.05));
    }

    /** The longest run of black down the middle of each bar. */
    private static List<Integer> barHeights(BufferedImage picture) {
        List<Integer> heights = new ArrayList<>();
        boolean inside = false;
        for (int x = 0; x < picture.getWidth(); x++) {
            int height = 0;
            for (int y = 0; y < picture.getHeight(); y++) {
                height += (picture.getRGB(x, y) & 0xffffff) == 0 ? 1 : 0;
            }
            boolean bar = height > 100;
            if (bar && !inside) {
                heights.add(height);
            } else if (bar) {
                int last = heights.size() - 1;
                heights.set(last, Math.max(heights.get(last), height));
            }
            inside = bar;
        }
        return heights;
    }
}
