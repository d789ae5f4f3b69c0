package dev.libretto.plot;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.GraphicsEnvironment;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Stream;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.Styler.LegendPosition;

/** The style of all pictures: fonts, the legend below, a pale grid on white. */
final class ChartStyle {
    private static final Color GRID = new Color(230, 230, 230);

    private ChartStyle() {}

    /** @param text all text in the chart, which the font must be able to show */
    static void apply(AxesChartStyler styler, String text) {
        String family = familyFor(text);
        styler.setAxisTitleFont(new Font(family, Font.PLAIN, 14))
                .setAxisTickLabelsFont(new Font(family, Font.PLAIN, 12))
                .setPlotGridLinesStroke(new BasicStroke(1))
                .setPlotGridLinesColor(GRID);
        styler.setBaseFont(new Font(family, Font.PLAIN, 14))
                .setChartTitleFont(new Font(family, Font.BOLD, 16))
                .setLegendFont(new Font(family, Font.PLAIN, 13))
                .setLegendPosition(LegendPosition.OutsideS)
                .setLegendBorderColor(Color.WHITE)
                .setChartBackgroundColor(Color.WHITE)
                .setLocale(Locale.ROOT);
    }

    /** Java's sans serif if it can show the text, or else the first font that can. */
    private static String familyFor(String text) {
        Font sansSerif = new Font(Font.SANS_SERIF, Font.PLAIN, 12);
        Stream<Font> all =
                Arrays.stream(GraphicsEnvironment.getLocalGraphicsEnvironment().getAllFonts());
        return sansSerif.canDisplayUpTo(text) < 0
                ? Font.SANS_SERIF
                : all.filter(font -> font.canDisplayUpTo(text) < 0)
                        .map(Font::getFamily)
                        .findFirst()
                        .orElse(Font.SANS_SERIF);
    }
}
