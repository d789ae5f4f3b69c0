package dev.libretto.serve;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.libretto.CharModel;
import dev.libretto.export.NamedArray;
import dev.libretto.generate.Inspection;
import dev.libretto.generate.ScoredCharacter;
import dev.libretto.model.ModelConfig;
import dev.libretto.text.Ids;
import dev.libretto.text.Vocabulary;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import org.tensorflow.ndarray.Shape;

/**
 * A text as a model reads it, for the page that shows it: each character by its surprise, or by the activation of a unit
 * (Karpathy, Johnson and Li, Visualizing and Understanding Recurrent Networks, 2015).
 */
public final class InspectedText {
    /** How many of the likeliest others are shown in each character's place. */
    private static final int OTHERS = 5;

    /** An activation is from -1 to 1, and is sent as a signed byte. */
    private static final float BYTES_PER_ACTIVATION = 127;

    private final String name;
    private final ModelConfig model;
    private final Vocabulary vocabulary;
    private final String text;
    private final Inspection inspection;

    private InspectedText(String name, ModelConfig model, Vocabulary vocabulary, String text, Inspection inspection) {
        this.name = name;
        this.model = model;
        this.vocabulary = vocabulary;
        this.text = text;
        this.inspection = inspection;
    }

    /**
     * Reads a text with a model.
     *
     * @param name what the page calls the model
     * @param maxValues the most values of the states: characters × units × arrays of each unit's state
     * @throws IllegalArgumentException if the text is empty or too long
     * @throws java.util.concurrent.CancellationException if the thread is interrupted
     */
    public static InspectedText of(CharModel model, String name, String given, int maxValues) {
        String text = model.vocabulary().asRead(given);
        long length = text.codePoints().count();
        long perCharacter = (long) model.config().states() * model.config().hiddenSize();
        if (length == 0) {
            throw new IllegalArgumentException("the text is empty; inspect at least one character");
        }
        if (length > maxValues / perCharacter) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "the text has %,d characters; with %,d values of the state for each, at most %,d can be inspected: use a"
                            + " shorter text",
                    length,
                    perCharacter,
                    maxValues / perCharacter));
        }
        return new InspectedText(name, model.config(), model.vocabulary(), text, model.inspect(text, OTHERS));
    }

    /** Returns how many characters the model does not know; it skips them. */
    public long unknown() {
        return inspection.characters().stream()
                .filter(character -> character.id() == Ids.NONE)
                .count();
    }

    /** Returns the states after each character, {@code [T, H]}, named by layer and by the letter that the equations use. */
    public List<NamedArray> states() {
        String letters = model.cell().spec().state();
        Shape shape = Shape.of(inspection.characters().size(), model.hiddenSize());
        List<NamedArray> arrays = new ArrayList<>();
        for (int i = 0; i < inspection.states().size(); i++) {
            String array = "layer_" + i / letters.length() + "_" + letters.charAt(i % letters.length());
            arrays.add(new NamedArray(array, shape, inspection.states().get(i)));
        }
        return arrays;
    }

    /** Returns what the page shows, as JSON. */
    public String json() {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        root.putObject("model")
                .put("name", name)
                .put("cell", model.cell().toString())
                .put("layers", model.layers())
                .put("hidden_size", model.hiddenSize())
                .put("characters", model.vocabularySize());
        root.put("text", text);
        ArrayNode bits = root.putArray("bits");
        ArrayNode others = root.putArray("others");
        ArrayNode unknown = root.putArray("unknown");
        for (ScoredCharacter character : inspection.characters()) {
            if (character.id() == Ids.NONE) {
                unknown.add(bits.size());
            }
            if (Float.isNaN(character.logProbability())) {
                bits.addNull();
            } else {
                bits.add(rounded(-character.logProbability() / Math.log(2)));
            }
            ArrayNode here = others.addArray();
            for (ScoredCharacter other : character.top()) {
                here.addArray().add(vocabulary.decode(other.id())).add(rounded(Math.exp(other.logProbability())));
            }
        }
        String letters = model.cell().spec().state();
        ArrayNode layers = root.putArray("layers");
        for (int layer = 0; layer < model.layers(); layer++) {
            // The last letter is the cell state c of an LSTM, whose output is o ⊙ tanh(c); other cells only have h.
            int array = (layer + 1) * letters.length() - 1;
            boolean isCellState = letters.length() > 1;
            layers.addObject()
                    .put("name", "layer " + (layer + 1))
                    .put("shows", isCellState ? "tanh(c)" : "h")
                    .put("values", bytes(inspection.states().get(array), isCellState));
        }
        return root.toString();
    }

    private static double rounded(double value) {
        return Math.rint(value * 10_000) / 10_000;
    }

    private static String bytes(float[] values, boolean isCellState) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < bytes.length; i++) {
            double activation = isCellState ? Math.tanh(values[i]) : Math.max(-1, Math.min(1, values[i]));
            bytes[i] = (byte) Math.round(activation * BYTES_PER_ACTIVATION);
        }
        return Base64.getEncoder().encodeToString(bytes);
    }

    /** Returns a page that shows the text, and needs no other file and no network. */
    public String html() {
        String style = file("style.css");
        String script = file("theme.js") + file("view.js") + file("standalone.js");
        return String.format(Locale.ROOT, """
                <!doctype html>
                <html lang="en">
                <head>
                <meta charset="utf-8">
                <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-%s'; script-src 'sha256-%s'; base-uri 'none'; form-action 'none'">
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <meta name="color-scheme" content="light dark">
                <title>Libretto</title>
                <style>%s</style>
                </head>
                <body class="standalone">
                <header class="bar"><h1>Libretto</h1></header>
                <main id="inspection"></main>
                <script type="application/json" id="data">%s</script>
                <script type="module">%s</script>
                </body>
                </html>
                """, sha256(style), sha256(script), style, inScript(json()), script);
    }

    private static String file(String name) {
        try (InputStream file = InspectedText.class.getResourceAsStream("page/" + name)) {
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** No "<" is left, so a text cannot end the script. */
    private static String inScript(String json) {
        return json.replace("<", "\\u003c");
    }

    private static String sha256(String text) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return Base64.getEncoder().encodeToString(hash);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
