// What `Logger.LogInformation("{count} of {product:F2}", ...)` says: a text with places, and the values for them.
//
// Places have names or numbers; `@` asks for JSON, and behind a colon is a format. Values that are no text of their own
// (lists, dictionaries) leave their place as it is; all are members of a line in JSON.
// Source: Lambda Developer Guide, "Log and monitor C# Lambda functions"; the forms are those of AWS's library.
using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Lambent.Runtime
{
    public sealed class Message
    {
        const string Moment = "yyyy-MM-ddTHH:mm:ss.fffZ";
        const int MostBytes = 16;
        static readonly Regex Place = new Regex(@"\{\{|\{(?<json>@?)(?<name>[^{}:]+)(:(?<format>[^{}]*))?\}");
        static readonly JsonSerializerOptions Options = new JsonSerializerOptions { IgnoreNullValues = true };
        readonly List<KeyValuePair<Match, object>> values = new List<KeyValuePair<Match, object>>();
        public readonly string Text;

        public Message(string template, object[] given)
        {
            Text = template;
            if (given.Length == 0) return;
            var places = Place.Matches(template).Cast<Match>().Where(each => each.Value != "{{").ToList();
            var numbered = Numbered(places.Select(Name).ToList());
            foreach (var each in places)
            {
                var at = numbered ? int.Parse(Name(each), CultureInfo.InvariantCulture) : values.Count;
                if (at < given.Length) values.Add(new KeyValuePair<Match, object>(each, given[at]));
            }
            foreach (var each in Enumerable.Reverse(values))
                Text = Text.Remove(each.Key.Index, each.Key.Length).Insert(each.Key.Index, Shown(each.Key, each.Value));
        }

        // The values as members of an object.
        public void Write(Utf8JsonWriter json)
        {
            foreach (var each in values.Where(each => each.Value != null))
            {
                json.WritePropertyName(Name(each.Key));
                Write(json, each.Key, each.Value);
            }
        }

        static string Name(Match place)
        {
            return place.Groups["name"].Value.Trim();
        }

        // Whether the names are 0, 1 and so on, in any order.
        static bool Numbered(List<string> names)
        {
            var found = new HashSet<int>();
            foreach (var name in names)
            {
                if (!int.TryParse(name, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number)) return false;
                found.Add(number);
            }
            return found.Count > 0 && found.Min() == 0 && found.Max() == found.Count - 1;
        }

        static string Shown(Match place, object value)
        {
            var bytes = value as byte[];
            if (bytes != null) return Hexadecimal(bytes);
            if (value == null || value is IList || value is IDictionary) return place.Value;
            return Formatted(place, value) ?? value.ToString();
        }

        static string Formatted(Match place, object value)
        {
            var format = place.Groups["format"].Value.Trim();
            if (format == "") format = value is DateTime || value is DateTimeOffset ? Moment : "";
            if (format == "") return null;
            try
            {
                return string.Format(CultureInfo.InvariantCulture, "{0:" + format + "}", value);
            }
            catch (FormatException)
            {
                return value.ToString();
            }
        }

        static string Hexadecimal(byte[] bytes)
        {
            var text = string.Concat(bytes.Take(MostBytes).Select(each => each.ToString("X2")));
            return bytes.Length > MostBytes ? text + "... (" + bytes.Length + " bytes)" : text;
        }

        static void Write(Utf8JsonWriter json, Match place, object value)
        {
            var list = value as IList;
            var entries = value as IDictionary;
            if (value == null) json.WriteNullValue();
            else if (value is byte[]) json.WriteStringValue(Hexadecimal((byte[])value));
            else if (place.Groups["json"].Value != "") Serialize(json, value);
            else if (list != null)
            {
                json.WriteStartArray();
                foreach (var each in list) Write(json, place, each);
                json.WriteEndArray();
            }
            else if (entries != null)
            {
                json.WriteStartObject();
                foreach (DictionaryEntry each in entries)
                {
                    json.WritePropertyName(each.Key.ToString());
                    Write(json, place, each.Value);
                }
                json.WriteEndObject();
            }
            else WriteOne(json, value, Formatted(place, value));
        }

        static void WriteOne(Utf8JsonWriter json, object value, string formatted)
        {
            var type = value.GetType();
            var code = type.IsEnum ? TypeCode.Object : Type.GetTypeCode(type);
            var isFinite = !(value is double || value is float) || !double.IsNaN(Convert.ToDouble(value)) && !double.IsInfinity(Convert.ToDouble(value));
            if (formatted == null && isFinite && (code == TypeCode.Boolean || code >= TypeCode.SByte && code <= TypeCode.Decimal))
                JsonSerializer.Serialize(json, value, type);
            else json.WriteStringValue(formatted ?? Convert.ToString(value, CultureInfo.InvariantCulture));
        }

        // What cannot be told as JSON is told as a text.
        static void Serialize(Utf8JsonWriter json, object value)
        {
            JsonDocument made;
            try
            {
                made = JsonDocument.Parse(JsonSerializer.SerializeToUtf8Bytes(value, value.GetType(), Options));
            }
            catch (Exception error) when (error is JsonException || error is NotSupportedException || error is InvalidOperationException)
            {
                json.WriteStringValue(value.ToString());
                return;
            }
            using (made) made.RootElement.WriteTo(json);
        }
    }
}
