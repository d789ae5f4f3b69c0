package dev.libretto.plot;

import java.awt.Font;
import java.awt.GraphicsEnvironment;
import java.util.Arrays;

/** The fonts of this machine. */
final class Fonts {
    private Fonts() {}

    /**
     * A family whose letters show all of a text: Java's sans serif where it does, or else the first that there is. Where
     * there is none, Java's sans serif, which shows boxes for what it lacks.
     */
    static String familyFor(String text) {
        if (shows(new Font(Font.SANS_SERIF, Font.PLAIN, 12), text)) {
            return Font.SANS_SERIF;
        }
        return Arrays.stream(GraphicsEnvironment.getLocalGraphicsEnvironment().getAllFonts())
                .filter(font -> shows(font, text))
                .map(Font::getFamily)
                .findFirst()
                .orElse(Font.SANS_SERIF);
    }

    private static boolean shows(Font font, String text) {
        return font.canDisplayUpTo(text) < 0;
    }
}
